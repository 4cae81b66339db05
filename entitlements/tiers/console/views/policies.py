"""Qualification policies: the pages of the review, and the members behind a figure of its preview."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from config.console.http import StaffRequest
from config.console.reviews import ReviewPages, ReviewWords
from config.engine import clock
from config.engine.ids import read_id
from config.staff.access import Permission, requires
from entitlements.tiers import tasks
from entitlements.tiers.console import pages
from entitlements.tiers.console.forms import PolicyForm
from entitlements.tiers.models import QualificationPolicy
from entitlements.tiers.operations import policies
from members.lifecycle.models import MemberLifecycle
from members.people.models import Member
from members.plans.models import Tier

# Judging so many takes about a second; more are judged by a worker.
PREVIEW_AT_ONCE = 20_000


class QualificationPolicyPages(ReviewPages[QualificationPolicy]):
    review = policies.REVIEW
    namespace = "tiers"
    name = "policy"
    list_name = "policies"
    argument = "policy_id"
    new_at = ("new", "policy-new")
    above = ("tiers:overview", _("Tiers"))
    form_template = "tiers/policy_form.html"
    content_template = "tiers/includes/policy_content.html"
    preview_template = "tiers/includes/policy_preview.html"
    effect_template = "tiers/includes/policy_effect.html"
    words = ReviewWords(
        title=_("Qualification policies"),
        intro=_("How tiers are earned and lost. A change is looked at first, and approved by a second person."),
        propose=_("Propose a qualification policy"),
        one=_("Qualification policy v%(version)s"),
        change=_("Change draft v%(version)s"),
        waiting=_("Qualification policy v%(version)s: %(note)s"),
        in_force=_("The policy is in force."),
    )

    def form(self, data: Any, version: QualificationPolicy, *, is_new: bool) -> PolicyForm:
        names = policies.CONDITIONS if is_new else (*policies.CONDITIONS, "note")
        asked = self.review.content_of(version)["tiers"].items()
        rungs = {int(pk): (joined_by, own) for pk, (joined_by, own) in asked}
        initial = {name: getattr(version, name) for name in names}
        return PolicyForm(data, initial=initial, rungs=rungs, currency=pages.currency())

    def version_context(self, version: QualificationPolicy) -> dict[str, Any]:
        found = version.preview
        return {
            "ladder": pages.ladder_of(version),
            "currency": pages.currency(),
            "matrix": pages.matrix_of(found["moves"], anyway=found["anyway"], policy_id=version.pk) if found else None,
        }

    def is_big(self) -> bool:
        return MemberLifecycle.objects.order_by()[PREVIEW_AT_ONCE : PREVIEW_AT_ONCE + 1].exists()

    def preview_later(self, pk: int) -> None:
        tasks.preview_policy.delay_on_commit(pk)

    def on_approved(self) -> None:
        tasks.assess.delay_on_commit()


POLICIES = QualificationPolicyPages()


@requires(Permission.VIEW)
@require_safe
def movers(request: StaffRequest, policy_id: int) -> HttpResponse:
    """The members behind one figure of the matrix, judged anew."""
    policy = get_object_or_404(QualificationPolicy, pk=policy_id)
    source, target = (_tier_asked(request.GET.get(name, "")) for name in ("from", "to"))
    after = request.GET.get("after", "")
    found, last = policies.movers_of(
        policy=policy, source=source.pk if source else None, target=target.pk if target else None,
        after=read_id(after) or 0, limit=pages.SHOWN, at=clock.now(),
    )  # fmt: skip
    context = {
        "policy": policy, "source": source, "target": target, "last": last, "after": after,
        "members": Member.objects.filter(pk__in=found).select_related("lifecycle").order_by("pk"),
    }  # fmt: skip
    return render(request, "tiers/movers.html", context)


def _tier_asked(text: str) -> Tier | None:
    pk = read_id(text)
    return None if pk is None else get_object_or_404(Tier, pk=pk)
