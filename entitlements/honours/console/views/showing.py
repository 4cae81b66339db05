"""What a benefit shows of whoever has it, edited from the benefit's page."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from entitlements.benefits.models import Benefit
from entitlements.honours.console.forms import AdornmentForm
from entitlements.honours.console.pages import targets
from entitlements.honours.operations import adorning
from entitlements.honours.words import REFUSALS


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, benefit_id: int) -> HttpResponse:
    benefit = get_object_or_404(Benefit.objects.select_related("adornment"), pk=benefit_id)
    adornment = getattr(benefit, "adornment", None)
    form = AdornmentForm(request.POST if request.method == "POST" else None, instance=adornment)
    if form.is_valid():
        try:
            adorning.adorn_benefit(benefit_id=benefit.pk, actor=request.user, at=clock.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("Saved. Whoever has the benefit shows it now."))
            return redirect(benefit)
    is_target = adornment is not None and adornment.form == "service"
    context = {
        "form": form, "benefit": benefit, "adornment": adornment, "targets": targets(benefit) if is_target else [],
        "is_target": is_target,
    }  # fmt: skip
    return render(request, "honours/adornment.html", context, status=422 if form.errors else 200)


@requires(Permission.OPERATE)
@require_POST
def remove(request: StaffRequest, benefit_id: int) -> HttpResponse:
    """The benefit stays with whoever has it and shows nothing any more; it can be set again."""
    benefit = get_object_or_404(Benefit, pk=benefit_id)
    adorning.strip_benefit(benefit_id=benefit.pk, actor=request.user, at=clock.now())
    messages.success(request, _("The benefit shows nothing any more. Members keep the benefit itself."))
    return redirect(benefit)
