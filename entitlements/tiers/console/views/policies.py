"""Qualification policies: the pages of the review."""

from collections.abc import Callable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.console.reviews import ReviewWords
from config.engine.naming import name_of
from entitlements.tiers import tasks
from entitlements.tiers.console import pages
from entitlements.tiers.console.forms import PolicyForm
from entitlements.tiers.models import QualificationPolicy
from entitlements.tiers.operations import policies
from entitlements.tiers.operations.policies import ANYWAY, LATER, NOW
from members.foreseen.console.pages import ForeseenPages
from members.foreseen.querysets import FigureAsked
from members.lifecycle.models import MemberLifecycle
from members.plans.models import Tier

# Judging so many takes about a second; more are judged by a worker.
PREVIEW_AT_ONCE = 20_000


class QualificationPolicyPages(ForeseenPages[QualificationPolicy]):
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
        return {
            "ladder": pages.ladder_of(version),
            "currency": pages.currency(),
            "matrices": self.matrices(version),
        }

    def matrices(self, version: QualificationPolicy) -> dict[str, pages.Matrix] | None:
        """Who would move at once, ``now``, and ``later`` at the end of their period; None before anybody looked."""
        found, leads = version.preview, self.leads_of(version)
        return found and {
            what: pages.matrix_of(found[key], anyway=found["anyway"][key], leads=leads, what=what)
            for what, key in ((NOW, "moves"), (LATER, "later"))
        }

    def heads(self, what: str) -> tuple[str | Promise, str | Promise]:
        return _("Tier before"), (_("Tier then") if what.startswith(NOW) else _("Tier at the end of the period"))

    def words_for(self, what: str) -> Callable[[str], str]:
        names = {str(tier.pk): name_of(tier) for tier in Tier.objects.all()} | {pages.NO_TIER: gettext("no tier")}
        return lambda code: names.get(code, code)

    def heading(self, figure: FigureAsked) -> str:
        move = super().heading(figure)
        return gettext("%(move)s, anyway") % {"move": move} if figure.what.endswith(ANYWAY) else move

    def is_big(self) -> bool:
        return MemberLifecycle.objects.order_by()[PREVIEW_AT_ONCE : PREVIEW_AT_ONCE + 1].exists()

    def preview_later(self, pk: int) -> None:
        tasks.preview_policy.delay_on_commit(pk)

    def on_approved(self) -> None:
        tasks.assess.delay_on_commit()


POLICIES = QualificationPolicyPages()
