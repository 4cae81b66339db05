from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from types import SimpleNamespace

import psycopg
import pytest
from django.db import OperationalError, connection

from campaigns.lifecycle import Reason
from campaigns.models import Channel, Decision, DeliveryPolicy, MessageIntent, Suppression
from campaigns.operations import delivery
from campaigns.operations.email import deliver_email
from campaigns.operations.planning import cancel, plan
from members.people.models import Consent, Identity
from members.terms.operations import terms
from tests.campaigns.world import AT, member_ending, messages
from tests.faults.sink import Script

pytestmark = pytest.mark.django_db

# D-3 of a term that ends three days on.
DUE = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)


def planned(n: int = 1, **values) -> list:
    made = [member_ending(AT + timedelta(days=3), **values) for _ in range(n)]
    plan(at=DUE - timedelta(hours=1))
    return made


def deliver(at=DUE, **values):
    return deliver_email(clock=lambda: at, **values)


def row(term) -> MessageIntent:
    return MessageIntent.objects.get(member_id=term.member_id, step_key="d3.email")


def mails(sink) -> list:
    return [message_from_bytes(p.read_bytes(), policy=policy.default) for p in sorted(sink.folder.glob("*.eml"))]


def test_due_mail_is_sent_once_with_everything_a_mail_needs(sink):
    [term] = planned(display_name="Zhou Lan", language="en-GB")
    assert deliver().sent == 1
    assert deliver().judged == 0
    [mail] = mails(sink)
    intent = row(term)
    assert messages(term)["d3.email"] == "sent"
    assert mail["To"] == Identity.objects.get(member_id=term.member_id, kind="email").value
    assert mail["Subject"] == f"Your {term.tier.name} membership ends in 3 days"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<http")
    assert mail["Message-ID"].startswith(f"<i{intent.pk}.")
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    assert "Zhou Lan" in text
    assert "19 November 2026" in text
    assert "a member of Membership console" in text
    assert "19 November 2026" in html
    assert mail["List-Unsubscribe"].strip("<>") in text
    assert (intent.attempts, intent.provider_reply) == (1, "250 2.0.0")
    assert intent.on_wire_at
    assert intent.finished_at


def test_chinese_is_the_default_and_grace_comes_from_the_policy(sink):
    term = member_ending(AT, display_name="周岚")
    plan(at=DUE - timedelta(hours=1))
    deliver()
    [mail] = mails(sink)
    assert mail["Subject"] == "会员今天到期，等级为您保留 3 天"
    text = mail.get_body(("plain",)).get_content()
    assert "2026年11月19日" in text
    assert "您是 会员运营台 的会员" in text
    assert messages(term)["d0.email"] == "sent"


def test_a_name_cannot_write_html_or_headers(sink):
    planned(display_name="<b>x</b>\r\nBcc: all@example.com {{ brand }}")
    deliver()
    [mail] = mails(sink)
    assert mail["Bcc"] is None
    html = mail.get_body(("html",)).get_content()
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "{{ brand }}" in html


def refuse_consent(term):
    Consent.objects.create(
        member_id=term.member_id, channel="email", is_granted=False, changed_at=DUE, source="member center"
    )


def suppress(term):
    address = Identity.objects.get(member_id=term.member_id, kind="email").value
    Suppression.objects.suppress(channel="email", address=address, cause="manual", at=DUE)


def drop_address(term):
    Identity.objects.filter(member_id=term.member_id, kind="email").delete()


def break_address(term):
    Identity.objects.filter(member_id=term.member_id, kind="email").update(value="a b@example.com\r\n")


def channel_off(term):
    Channel.objects.filter(code="email").update(is_enabled=False)


def renew(term):
    terms.renew_membership(member_id=term.member_id, at=DUE, actor=None)


def auto_on(term):
    terms.switch_auto_renewal(member_id=term.member_id, on=True, at=DUE, actor=None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (refuse_consent, "no_consent"),
        (suppress, "address_suppressed"),
        (drop_address, "no_address"),
        (break_address, "invalid_address"),
        (channel_off, "channel_off"),
        (renew, "renewed"),
        (auto_on, "auto_renewal_on"),
    ],
)
def test_the_claim_asks_again(sink, change, reason):
    [term] = planned()
    change(term)
    assert deliver().sent == 0
    assert messages(term)["d3.email"] == f"suppressed:{reason}"
    assert Decision.objects.get(intent=row(term)).reason == reason
    assert not sink.message_ids()


def test_what_is_no_longer_true_expires(sink):
    [term] = planned()
    assert deliver(DUE + timedelta(hours=12)).sent == 0
    assert messages(term)["d3.email"] == "expired:too_late"


def test_a_stop_holds_everything_and_expiry_goes_on(sink):
    [term] = planned()
    DeliveryPolicy.objects.update(is_sending_stopped=True)
    assert deliver().judged == 0
    assert delivery.show_in_app(at=DUE) == (0, 0)
    assert messages(term)["d3.email"] == "pending"
    delivery.reclaim(at=DUE + timedelta(hours=13))
    assert messages(term)["d3.email"] == "expired:too_late"


def test_a_stop_in_the_middle_of_a_batch_lets_no_further_message_go(sink):
    made = planned(4)
    sent = []

    def clock():
        if len(sink.message_ids()) == 2 and not sent:
            sent.append(DeliveryPolicy.objects.update(is_sending_stopped=True))
        return DUE

    deliver_email(clock=clock)
    assert len(sink.message_ids()) == 2
    assert sorted(messages(term)["d3.email"] for term in made) == ["pending", "pending", "sent", "sent"]


def test_a_message_cancelled_after_the_claim_is_not_sent(sink):
    made = planned(3)
    done = []

    def clock():
        if len(sink.message_ids()) == 1 and not done:
            for term in made:
                renew(term)
            done.append(cancel(at=DUE))
        return DUE

    deliver_email(clock=clock)
    assert sorted(messages(term)["d3.email"] for term in made) == ["sent", "suppressed:renewed", "suppressed:renewed"]
    assert len(sink.message_ids()) == 1


def test_421_puts_everything_off_and_asks_again_later(sink):
    made = planned(3)
    sink.script = Script(at={"rcpt": "421 4.3.2 closing"}, times=1)
    deliver()
    assert [messages(t)["d3.email"] for t in made] == ["pending:try_later", "pending", "pending"]
    email_rest_over()
    deliver(DUE + timedelta(minutes=1))
    assert [messages(t)["d3.email"] for t in made] == ["sent"] * 3
    assert len(set(sink.message_ids())) == len(sink.message_ids()) == 3


def email_rest_over():
    from campaigns.operations import email

    email.forget_connection()


@pytest.mark.parametrize("stage", ["rcpt", "dot"])
def test_4xx_is_tried_again_with_growing_pauses_and_given_up(sink, stage):
    [term] = planned()
    sink.script = Script(at={stage: "450 4.2.0 greylisted"})
    at, due = DUE, []
    for _ in range(8):
        deliver(at)
        due.append(row(term).due_at - at)
        at = max(row(term).due_at, at)
    assert [d.total_seconds() for d in due[:5]] == [30, 60, 120, 240, 480]
    assert messages(term)["d3.email"] == "failed:gave_up"
    assert row(term).attempts == 6
    assert not sink.message_ids()


@pytest.mark.parametrize("stage", ["rcpt", "dot"])
def test_550_fails_and_suppresses_the_address(sink, stage):
    bad, good = planned(2)
    address = Identity.objects.get(member_id=bad.member_id, kind="email").value
    sink.script = Script(at={stage: "550 5.1.1 no such user"}, for_address=address)
    deliver()
    assert messages(bad)["d3.email"] == "failed:address_refused"
    assert messages(good)["d3.email"] == "sent"
    assert list(Suppression.objects.standing().values_list("address", "cause")) == [(address, "refused")]
    assert row(bad).provider_reply == "550 5.1.1"


def test_a_refusal_by_policy_does_not_blame_the_address(sink):
    [term] = planned()
    sink.script = Script(at={"rcpt": "550 5.7.1 blocked"})
    deliver()
    assert messages(term)["d3.email"] == "failed:content_refused"
    assert not Suppression.objects.exists()


def test_a_refused_sender_fails_without_blame(sink):
    [term] = planned()
    sink.script = Script(at={"mail": "550 5.1.8 who are you"})
    deliver()
    assert messages(term)["d3.email"] == "failed:sender_refused"
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_stall_before_the_dot_is_tried_again(sink, stage):
    [term] = planned()
    sink.script = Script(at={stage: "stall"}, times=1)
    deliver()
    assert messages(term)["d3.email"] == "pending:no_answer"
    deliver(DUE + timedelta(minutes=1))
    assert messages(term)["d3.email"] == "sent"
    assert len(sink.message_ids()) == 1


@pytest.mark.parametrize(("action", "reason"), [("stall", "no_answer"), ("drop", "connection_lost")])
def test_silence_after_the_dot_is_unknown_and_never_sent_again(sink, action, reason):
    first, second = planned(2)
    sink.script = Script(at={"dot": action}, times=1)
    deliver()
    assert messages(first)["d3.email"] == f"unknown:{reason}"
    assert messages(second)["d3.email"] == "sent"
    deliver(DUE + timedelta(hours=1))
    delivery.reclaim(at=DUE + timedelta(hours=1))
    deliver(DUE + timedelta(hours=2))
    assert len(sink.message_ids()) == len(set(sink.message_ids())) == 2


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_server_that_hangs_up_before_the_dot_gets_it_again_at_once(sink, stage):
    [term] = planned()
    sink.script = Script(at={stage: "drop"}, times=1)
    deliver()
    assert messages(term)["d3.email"] == "sent"
    assert len(sink.message_ids()) == 1


def test_no_server_no_claim(sink, settings):
    [term] = planned()
    settings.EMAIL_PORT = 1
    assert deliver().judged == 0
    assert messages(term)["d3.email"] == "pending"


def test_a_template_that_does_not_render_fails_alone(sink, monkeypatch):
    from campaigns.operations import copy
    from campaigns.operations.rendering import CopyError

    bad, good = planned(2)
    real = copy.words

    def words(*, intent_id, **values):
        if intent_id == row(bad).pk:
            raise CopyError("UndefinedError")
        return real(intent_id=intent_id, **values)

    monkeypatch.setattr(copy, "words", words)
    deliver()
    assert messages(bad)["d3.email"] == f"failed:{Reason.RENDERING_FAILED}"
    assert messages(good)["d3.email"] == "sent"


def test_a_database_away_while_a_mail_is_written_keeps_the_batch(sink, monkeypatch):
    """What was accepted before is noted, and the rest of the batch goes when the database is back."""
    from campaigns.operations import copy, email

    first, second = planned(2)
    real, away = copy.words, [OperationalError("gone")]

    def words(**values):
        if mails(sink) and away:
            raise away.pop()
        return real(**values)

    monkeypatch.setattr(copy, "words", words)
    # The test itself is one transaction, within which nothing is tried again.
    monkeypatch.setattr(email, "connection", SimpleNamespace(in_atomic_block=False, close=lambda: None))
    assert deliver().sent == 2
    assert away == []
    assert {messages(term)["d3.email"] for term in (first, second)} == {"sent"}


def test_a_claim_whose_answer_was_lost_holds_nothing(sink, monkeypatch):
    """It was committed, and the connection broke: nobody waits for the lease to end."""
    [term] = planned()
    real = MessageIntent.objects.all().claim

    def claim(self, params):
        real(params)
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(type(MessageIntent.objects.all()), "claim", claim)
        with pytest.raises(OperationalError):
            deliver()
    assert messages(term)["d3.email"] == "pending"
    assert deliver().sent == 1


def test_every_place_taken_means_no_work(sink):
    planned()
    channel = Channel.objects.get(pk="email")
    others = psycopg.connect(**connection.get_connection_params(), autocommit=True)
    for n in range(channel.max_workers):
        others.execute("SELECT pg_advisory_lock(%s, %s)", [delivery._LOCK_CLASS, delivery._slot_key(channel, n)])
    try:
        assert deliver().judged == 0
    finally:
        # Closing alone frees them when the server gets to it.
        others.execute("SELECT pg_advisory_unlock_all()")
        others.close()
    assert deliver().sent == 1


def test_in_app_is_the_row_itself(db):
    made = planned(3)
    refused = made[0]
    Consent.objects.create(member_id=refused.member_id, channel="in_app", is_granted=False, changed_at=DUE, source="x")
    assert delivery.show_in_app(at=DUE) == (3, 2)
    assert delivery.show_in_app(at=DUE) == (0, 0)
    assert messages(refused)["d3.in_app"] == "suppressed:no_consent"
    shown = MessageIntent.objects.get(member_id=made[1].member_id, step_key="d3.in_app")
    assert (shown.status, shown.finished_at) == ("sent", DUE)
    assert shown.content.context["term"]["days_left"] == 3
