"""The pages of the lifecycle policy."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.console.reviews import ReviewWords
from config.engine.naming import in_this_language
from members.foreseen.console.pages import ForeseenPages
from members.lifecycle import metrics, tasks
from members.lifecycle.console.forms import PolicyForm
from members.lifecycle.console.matrix import matrix_of, standing_words, standings_of
from members.lifecycle.lifecycle import State
from members.lifecycle.models import LifecyclePolicy, SweepBrake
from members.lifecycle.operations import policies, sweep
from members.lifecycle.policy_effects import EFFECTS

# Judging copies of so many members takes about a second; more are judged by a worker.
PREVIEW_AT_ONCE = 20_000
BRAKES_SHOWN = 10


class LifecyclePolicyPages(ForeseenPages[LifecyclePolicy]):
    review = policies.REVIEW
    namespace = "members"
    name = "policy"
    list_name = "policies"
    argument = "policy_id"
    new_at = ("new", "policy-new")
    list_before = "members/includes/policy_in_force.html"
    list_after = "members/includes/policy_brakes.html"
    content_template = "members/includes/policy_content.html"
    preview_template = "members/includes/policy_preview.html"
    effect_template = "members/includes/policy_effect.html"
    states = frozenset({"state"})
    words = ReviewWords(
        title=_("Lifecycle policy"),
        intro=_("It decides who is in which state. A change is looked at first, and approved by a second person."),
        propose=_("Propose a policy"),
        one=_("Policy v%(version)s"),
        change=_("Change draft v%(version)s"),
        waiting=_("Lifecycle policy v%(version)s: %(note)s"),
        in_force=_("The policy is in force; members are being judged by it."),
    )

    def form(self, data: Any, version: LifecyclePolicy, *, is_new: bool) -> PolicyForm:
        names = policies.THRESHOLDS if is_new else (*policies.THRESHOLDS, "note")
        return PolicyForm(data, initial={name: getattr(version, name) for name in names})

    def list_context(self) -> dict[str, Any]:
        return {
            "current": self.review.active(),
            "brakes": SweepBrake.objects.select_related("decided_by")[:BRAKES_SHOWN],
            "anomalies": metrics.anomalies(),
        }

    def version_context(self, version: LifecyclePolicy) -> dict[str, Any]:
        preview, leads = version.preview, self.leads_of(version)
        found = preview or {}
        return {
            "changed": self.review.changes(self.review.active(), version) if version.is_coming else {},
            "preview": preview,
            "matrix": matrix_of(
                found.get("moves", []), limit=sweep.brake_limit(version), leads=partial(leads, "state")
            ),
            "messages_caused": [
                (in_this_language(effect["label"]), effect["count"]) for effect in found.get("messages", [])
            ],
            "standings": standings_of(found.get("standings", []), partial(leads, "standing")),
            "is_listened_to": bool(EFFECTS),
        }

    def heads(self, what: str) -> tuple[str | Promise, str | Promise]:
        if what == "state":
            return _("State before"), _("State then")
        return _("Status and tier before"), _("Status and tier then")

    def words_for(self, what: str) -> Callable[[str], str]:
        if what == "state":
            return lambda code: str(dict(State.choices).get(code, code))
        return standing_words()

    def is_big(self) -> bool:
        return sum(metrics.members_by_state().values()) > PREVIEW_AT_ONCE

    def preview_later(self, pk: int) -> None:
        tasks.preview_policy.delay_on_commit(pk)

    def on_approved(self) -> None:
        tasks.roll_out_policy.delay_on_commit()


POLICIES = LifecyclePolicyPages()
