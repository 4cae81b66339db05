"""Every audited action has words, in both languages, and what the log links to is a page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.utils import translation

from campaigns.lifecycle import RESOLVE_FAILED, RESOLVE_SENT
from config.audit.models import AuditEntry
from config.audit.record import kind_of
from config.engine.actions import ACTIONS, label_of
from config.engine.brakes import Status as BrakeStatus
from config.engine.reviewed.operations import REVIEWED
from config.home.audit_log import PAGES, href_of_target
from entitlements.offers.models import IssueRun
from tests.check_translations import CHINESE

ROOT = Path(__file__).resolve().parents[2]
APPS = ("config", "members", "entitlements", "tasks_engine", "campaigns")
ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
DECIDED = [status.value for status in BrakeStatus if status != BrakeStatus.OPEN]
REVIEWED_VERBS = {
    text.value
    for node in ast.walk(ast.parse((ROOT / "config/engine/reviewed/operations.py").read_text()))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_audit"
    for text in ast.walk(node.args[1])
    if isinstance(text, ast.Constant)
}
# Actions whose names are put together at the place, by the part that is written there.
PUT_TOGETHER = {
    "message.": [f"message.{move.name}" for move in (RESOLVE_SENT, RESOLVE_FAILED)],
    "tiers.brake_": [f"tiers.brake_{status}" for status in DECIDED],
    "sweep.": [f"sweep.{status}" for status in DECIDED],
    "offer.run_": [f"offer.run_{status}" for status in (IssueRun.Status.DONE, IssueRun.Status.STOPPED)],
    ".saved": ["plan.saved", "tier.saved"],
    ".exported": ["member.exported", "membership_term.exported", "event_record.exported"],
    # Drafts of the ladder are not revised as a whole: a cell is changed.
    ".": sorted({f"{review.code}.{verb}" for review in REVIEWED for verb in REVIEWED_VERBS} - {"ladder.revised"}),
}


def _written() -> Iterator[ast.expr]:
    """What is given as the action, to ``audit`` or to a helper that hands it on."""
    for path in (path for app in APPS for path in sorted((ROOT / app).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                if "audit" in name or name == "_switched":
                    yield from node.args
                yield from (word.value for word in node.keywords if word.arg == "action")


def _parts() -> set[str]:
    texts = (node for node in _written() if isinstance(node, ast.JoinedStr))
    return {part.value for text in texts for part in text.values if isinstance(part, ast.Constant)}


WRITTEN = {
    node.value
    for found in _written()
    if not isinstance(found, ast.JoinedStr)
    for node in ast.walk(found)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and ACTION.fullmatch(node.value)
}


@pytest.mark.parametrize("action", sorted(WRITTEN.union(*PUT_TOGETHER.values())))
def test_an_action_has_its_words_in_both_languages(action):
    assert action in ACTIONS, f"{action} needs words in an audit_labels.py"
    assert not CHINESE.search(label_of(action))
    with translation.override("zh-hans"):
        assert CHINESE.search(label_of(action))


def test_actions_are_found():
    assert {"member.edited", "benefit.archived", "write_key.made", "term.trial", "members.exported"} <= WRITTEN


def test_actions_put_together_are_all_known():
    assert _parts() == PUT_TOGETHER.keys()


def test_there_are_no_words_for_what_is_never_done():
    raw = {"member.created"}
    # What stands in the log since before restore rules were reviewed.
    former = {"restore_rule.saved"}
    assert set(ACTIONS.codes()) - WRITTEN.union(*PUT_TOGETHER.values()) - raw - former == set()


@pytest.mark.parametrize("kind", PAGES)
def test_what_the_log_links_to_is_a_kind_of_thing_with_a_page(kind):
    assert kind in {kind_of(model) for model in apps.get_models()}
    assert href_of_target(AuditEntry(target_type=kind, target_id="7"))
