"""Acts on several members: first who will and who may not be acted on, then the act."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from config.console.http import StaffRequest
from config.engine import clock
from config.staff.access import Permission, requires
from members.people.models import Member
from members.terms.console.forms.bulk import REASONS, BulkAction, CompensateManyForm, SelectionForm
from members.terms.operations import bulk as operations
from members.terms.operations.bulk import BulkResult, BulkSplit


@requires(Permission.OPERATE)
@require_POST
def bulk(request: StaffRequest) -> HttpResponse:
    """Without ``confirmed`` the question, with it the act."""
    selection = SelectionForm(request.POST)
    back = f"{reverse('members:list')}?{request.POST.get('query', '')}"
    if not selection.is_valid():
        context = {"selection": selection, "back": back}
        return render(request, "members/bulk.html", context, status=422)
    action, ids = BulkAction(selection.cleaned_data["action"]), selection.cleaned_data["ids"]
    is_confirmed = "confirmed" in request.POST
    needs_form = action == BulkAction.COMPENSATE
    form = CompensateManyForm(request.POST if is_confirmed else None) if needs_form else None
    if is_confirmed and (form is None or form.is_valid()):
        said(request, act(request, action, ids, form))
        return redirect(back)
    context = question(action, ids) | {"form": form, "back": back, "query": request.POST.get("query", "")}
    return render(request, "members/bulk.html", context, status=422 if form and form.errors else 200)


def act(request: StaffRequest, action: BulkAction, ids: list[int], form: CompensateManyForm | None) -> BulkResult:
    at, actor = clock.now(), request.user
    if form is not None:
        return operations.compensate_many(member_ids=ids, actor=actor, at=at, **form.cleaned_data)
    on = action == BulkAction.AUTO_RENEWAL_ON
    return operations.switch_many(member_ids=ids, on=on, actor=actor, at=at)


def said(request: StaffRequest, result: BulkResult) -> None:
    done = ngettext("Done for %(n)s member.", "Done for %(n)s members.", result.done) % {"n": result.done}
    if result.refused:
        left = ngettext("%(n)s member was left as she is.", "%(n)s members were left as they are.", result.refused) % {
            "n": result.refused
        }
        done = f"{done} {left}"
    messages.success(request, done)


def question(action: BulkAction, ids: list[int]) -> dict[str, object]:
    """Who will be acted on and who may not, with the reason."""
    split: BulkSplit
    if action == BulkAction.COMPENSATE:
        split = operations.split_compensation(member_ids=ids)
    else:
        split = operations.split_auto_renewal(member_ids=ids, on=action == BulkAction.AUTO_RENEWAL_ON)
    people = Member.objects.select_related("lifecycle").in_bulk(ids)
    return {
        "action": action,
        "will": [people[pk] for pk in split.will],
        "wont": [(people[pk], REASONS[code]) for code, pks in split.wont.items() for pk in pks],
    }
