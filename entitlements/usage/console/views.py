"""One member's benefits: everything they were given and have used, and taking back a use."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.ids import read_id
from config.engine.naming import name_of
from config.staff.access import Permission, requires
from entitlements.grants.console.forms import ReasonForm
from entitlements.grants.console.steps import member_step
from entitlements.usage.console.pages import MemberBenefits
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import reverse as take_back
from entitlements.usage.words import REFUSALS
from members.people.models import Member

METHODS = ["GET", "HEAD", "POST"]


@requires(Permission.VIEW)
@require_safe
def of_member(request: StaffRequest, member_id: int) -> HttpResponse:
    """Every balance, grant and usage record of a member."""
    member = get_object_or_404(Member.objects.select_related("lifecycle"), pk=member_id)
    benefits = MemberBenefits(member.pk, clock.now())
    grants, next_grants = benefits.grants(read_id(request.GET.get("grants", "")))
    usage, next_usage = benefits.usage(read_id(request.GET.get("usage", "")))
    context = {
        "member": member, "benefits": benefits, "grants": grants, "next_grants": next_grants, "usage": usage,
        "next_usage": next_usage,
    }  # fmt: skip
    return render(request, "benefits/member.html", context)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def reverse_use(request: StaffRequest, usage_id: int) -> HttpResponse:
    """Asks once more before a use is taken back."""
    used = get_object_or_404(UsageRecord.objects.select_related("member", "benefit"), pk=usage_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def act() -> None:
        take_back(
            record_id=used.pk, actor=request.user, at=clock.now(), origin=UsageRecord.Origin.HAND, **form.cleaned_data
        )

    heading = _("Take back a use of “%(benefit)s”") % {"benefit": name_of(used.benefit)}
    lead = _("She gets back %(amount)s, unless the usage period it lay in has ended. This cannot be undone.")
    words = lead % {"amount": used.amount}
    return member_step(
        request,
        used.member,
        form,
        act,
        heading,
        words,
        _("Take back"),
        _("Taken back."),
        words=(REFUSALS,),
        is_bad=True,
    )
