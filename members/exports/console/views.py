from collections.abc import Iterable

from django.db.models import QuerySet
from django.http import QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.ids import read_id
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from members.exports.console.forms import ExportForm
from members.exports.operations import XLSX, stream_members
from members.exports.words import REFUSALS
from members.people.console.listing import Listing
from members.people.models import Member

TYPES = {"csv": "text/csv; charset=utf-8", XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@requires(Permission.EXPORT)
@require_POST
def members(request: StaffRequest) -> HttpResponseBase:
    """What the list shows, or the rows selected in it: first the question what to write, then the file."""
    query, ids = request.POST.get("query", ""), [pk for pk in request.POST.getlist("ids") if read_id(pk)]
    back = f"{reverse('members:list')}?{query}"
    everything = request.POST.get("all") == "1"
    if not everything and not ids:
        return redirect(back)
    segment = QueryDict(query).get("segment", "")
    found = shown_members(request, query) if everything else Member.objects.filter(pk__in=ids)
    is_asked = "file_format" in request.POST
    form = ExportForm(request.POST if is_asked else None, may_reveal=request.user.may(Permission.REVEAL))
    if is_asked and form.is_valid():
        data = form.cleaned_data
        try:
            content = stream_members(
                queryset=found, columns=data["columns"], actor=request.user, at=clock.now(),
                reveal=data.get("reveal", False), file_format=data["file_format"],
                segment_id=read_id(segment),
            )  # fmt: skip
        except Refused as refused:
            form.add_error("file_format", refusal_text(refused, REFUSALS))
        else:
            return download(content, f"members-{clock.now():%Y%m%d-%H%M}", data["file_format"])
    context = {"form": form, "count": found.count(), "query": query, "ids": ids, "everything": everything, "back": back}
    return render(request, "exports/members.html", context, status=422 if form.errors else 200)


def shown_members(request: StaffRequest, query: str) -> QuerySet[Member]:
    """The members the list shows under the parameters it was shown with."""
    request.GET = QueryDict(query)
    return Listing(request, clock.now()).members


def download(content: Iterable[bytes | str], name: str, file_format: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(content, content_type=TYPES[file_format])
    response["Content-Disposition"] = f'attachment; filename="{name}.{file_format}"'
    return response
