import json
import shutil
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from campaigns.models import MessageIntent
from campaigns.operations.delivery import show_in_app
from campaigns.operations.email import deliver_email
from campaigns.operations.planning import cancel, plan
from members.terms.operations import terms
from tests.campaigns.world import AT, member_ending
from tests.faults.sink import Script

pytestmark = pytest.mark.django_db
DUE = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)


def report(sink) -> tuple[dict, int]:
    out = StringIO()
    try:
        call_command("check_delivery", "--sink", str(sink.folder), "--json", stdout=out)
        code = 0
    except SystemExit as stop:
        code = stop.code
    return json.loads(out.getvalue()), code


@pytest.fixture
def delivered(sink):
    made = [member_ending(AT + timedelta(days=3)) for _ in range(4)]
    plan(at=DUE - timedelta(hours=1))
    terms.renew_membership(member_id=made[0].member_id, at=DUE, actor=None)
    cancel(at=DUE)
    sink.script = Script(at={"dot": "drop"}, times=1)
    deliver_email(clock=lambda: DUE)
    show_in_app(at=DUE)
    return made


def test_everything_planned_is_accounted_for(sink, delivered):
    facts, code = report(sink)
    assert code == 0
    assert facts["planned"] == 32
    assert facts["planned"] == facts["finished"] + facts["open"]
    closed = sum(facts[name] for name in ("sent", "failed", "suppressed", "expired", "unknown"))
    assert closed == facts["finished"]
    assert (facts["sent"], facts["unknown"], facts["unknown_at_sink"], facts["at_sink"]) == (5, 1, 1, 3)
    assert facts["unknown_list"] == [MessageIntent.objects.get(status="unknown").pk]
    assert facts["duplicates_count"] == 0


def test_a_mail_that_arrived_twice_is_found(sink, delivered):
    path = next(sink.folder.glob("*.eml"))
    shutil.copy(path, sink.folder / "again.eml")
    facts, code = report(sink)
    assert (code, facts["duplicates_count"], facts["ok"]) == (1, 1, False)


def test_a_mail_said_to_be_sent_that_never_arrived_is_found(sink, delivered):
    sent = MessageIntent.objects.filter(status="sent", channel="email").first()
    next(p for p in sink.folder.glob("*.eml") if f"<i{sent.pk}." in p.read_text()).unlink()
    facts, code = report(sink)
    assert (code, facts["sent_but_not_at_sink_list"]) == (1, [sent.pk])


def test_a_mail_of_a_message_never_on_the_wire_is_found(sink, delivered):
    path = next(sink.folder.glob("*.eml"))
    held = MessageIntent.objects.filter(status="pending", channel="email").first()
    import re

    (sink.folder / "stray.eml").write_text(re.sub(r"<i\d+\.", f"<i{held.pk}.", path.read_text()))
    facts, code = report(sink)
    assert (code, facts["at_sink_but_never_on_wire_list"]) == (1, [held.pk])


def test_mail_of_another_installation_is_counted_apart(sink, delivered):
    (sink.folder / "other.eml").write_text("Message-ID: <i1.someone@example.org>\r\n\r\nx")
    facts, code = report(sink)
    assert (code, facts["foreign_at_sink"]) == (0, 1)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(CommandError):
        call_command("check_delivery", "--sink", str(tmp_path / "nowhere"))
