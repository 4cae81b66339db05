import gzip
import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from members.events.models import (
    Event,
    EventDay,
    EventDefinition,
    EventProperty,
    IngestDay,
    ParkedEvent,
    Source,
    WriteKey,
)
from members.people.models import Identity, Member
from members.people.operations import people
from tests.members.events.conftest import AT, track

pytestmark = pytest.mark.django_db


def test_a_batch_is_taken_once(send, source):
    batch = [track(n, user=f"u{n % 3}", properties={"plan": "gold", "n": n}) for n in range(10)]
    answer = send(batch)
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "accepted": 10, "duplicates": 0, "parked": 0, "rejected": []}
    assert send(batch).json()["duplicates"] == 10
    assert Event.objects.count() == 10
    assert set(Identity.objects.values_list("kind", "value")) == {("external_id", f"u{n}") for n in range(3)}
    assert set(Member.objects.values_list("lifecycle__known_since", flat=True)) == {AT}
    assert EventDay.objects.get().events == 10
    assert dict(EventProperty.objects.values_list("name", "types")) == {"n": ["number"], "plan": ["string"]}
    day = IngestDay.objects.get()
    assert (day.accepted, day.duplicate, day.rejected, day.parked) == (10, 10, 0, 0)
    assert WriteKey.objects.get().last_used_at == AT
    assert Source.objects.get(pk=source.pk).last_event_at == AT


def test_known_and_new_members_in_one_batch_count_once_each(send, source):
    send([track(1, user="known")])
    batch = [track(1, user="known"), track(2, user="known"), track(3, user="new")]
    answer = {"success": True, "accepted": 2, "duplicates": 1, "parked": 0, "rejected": []}
    assert send(batch).json() == answer
    day = IngestDay.objects.by_day().get()
    assert (day["accepted"], day["duplicate"], day["rejected"], day["parked"]) == (3, 1, 0, 0)
    assert EventDay.objects.get().events == 3
    Source.objects.update(creates_members=False)
    answer = {
        "success": True,
        "accepted": 1,
        "duplicates": 1,
        "parked": 1,
        "rejected": [{"index": 3, "reason": "event"}],
    }
    assert send([track(3, user="new"), track(4, user="new"), track(5, user="who"), track(6, event="")]).json() == answer
    day = IngestDay.objects.by_day().get()
    assert (day["accepted"], day["duplicate"], day["rejected"], day["parked"]) == (4, 2, 1, 1)


@pytest.mark.parametrize("kind", ["track", "page", "identify"])
def test_single_calls(send, kind):
    body = {"userId": "u1", "event": "opened", "name": "Pricing", "traits": {"name": "Li Na"}}
    assert send(body, kind=kind).json() == {"success": True}
    member = Member.objects.get()
    assert member.display_name == ("Li Na" if kind == "identify" else "")
    names = list(Event.objects.values_list("definition__name", flat=True))
    assert names == {"track": ["opened"], "page": ["page"], "identify": []}[kind]


def test_a_bad_single_call_is_a_problem(send):
    answer = send({"event": "opened"}, kind="track")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_identity")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "wk_wrong", "\x00", "ü" * 100])
def test_a_wrong_key_opens_nothing(send, key):
    answer = send([track(1)], key=key)
    assert answer.status_code == 401
    assert not Event.objects.exists()


@pytest.mark.parametrize("body", ['{"batch": [', "[]", '{"batch": 5}', "x" * (600 << 10), '"\\ud800"'])
def test_what_is_wrong_with_a_body_is_only_told_to_a_key(client, body):
    answer = client.post("/v1/batch", body, content_type="application/json", headers={"X-API-Key": "wk_wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_key_has_scopes(send, source):
    WriteKey.objects.update(scopes=["events"])
    answer = send([track(1), {"type": "identify", "userId": "u1"}])
    assert answer.json()["rejected"] == [{"index": 1, "reason": "not_allowed"}]


def test_the_senders_clock_is_corrected(send):
    wrong = AT + timedelta(hours=3)
    message = track(1) | {"timestamp": (wrong - timedelta(minutes=5)).isoformat()}
    send({"batch": [message], "sentAt": wrong.isoformat()})
    assert Event.objects.get().occurred_at == AT - timedelta(minutes=5)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-16T03:59:58Z", "2026-11-16T03:59:58.000Z", "2026-11-16T11:59:58+08:00",
        "2026-11-16T03:59:58.000000+00:00", "2026-11-15T22:29:58.000-05:30", "2026-11-16 03:59:58",
        "2026-11-16T11:59:58+0800", "2026-11-16T11:59:58.0 +08",
    ],
)  # fmt: skip
def test_iso_8601_is_read_however_it_is_written(send, text):
    send([track(1) | {"timestamp": text}])
    assert Event.objects.get().occurred_at == AT - timedelta(seconds=2)


def test_messages_without_an_id_are_known_by_their_content(send):
    message = {"type": "track", "userId": "u1", "event": "opened"}
    send([message, message, message | {"event": "closed"}])
    send([message])
    assert Event.objects.count() == 2
    send([message], at=AT + timedelta(days=1))
    assert Event.objects.count() == 3


@pytest.mark.parametrize(
    ("properties", "kept"),
    [
        ({"revenue": 12.345, "currency": "usd"}, (1235, "USD")),
        ({"revenue": 500, "currency": "JPY"}, (500, "JPY")),
        ({"revenue": "1.234", "currency": "KWD"}, (1234, "KWD")),
        ({"revenue": 19.9}, (1990, "")),
        ({"revenue": 19.9, "currency": ""}, (1990, "")),
        ({"revenue": 19.9, "currency": None}, (1990, "")),
        ({"revenue": 500, "currency": "XYZ"}, (None, "")),
        ({"revenue": 500, "currency": "yen"}, (None, "")),
        ({"revenue": "much"}, (None, "")),
    ],
)
def test_money_is_kept_in_minor_units_of_its_currency(send, properties, kept):
    send([track(1, properties=properties)])
    assert set(Event.objects.values_list("value_cents", "currency")) == {kept}


def test_traits_fill_the_profile(send):
    traits = {
        "name": "王小明", "email": " Wang@Example.COM ", "phone": "+86 138-0013-8000", "gender": "F", "city": "杭州",
        "birthday": "1990-02-03", "createdAt": "2026-01-02T03:04:05Z", "language": "zh-CN", "plan": {"a": [1]},
    }  # fmt: skip
    traits["email"] = traits["email"].strip()
    send([{"type": "identify", "userId": "u1", "traits": traits, "messageId": "i1"}])
    member = Member.objects.get()
    assert (member.display_name, member.gender, member.city, member.language) == ("王小明", "female", "杭州", "zh-CN")
    assert (str(member.birthday_on), member.registered_at.isoformat()) == ("1990-02-03", "2026-01-02T03:04:05+00:00")
    assert member.attributes == {"plan": {"a": [1]}}
    known = dict(member.identities.values_list("kind", "value"))
    assert known == {"external_id": "u1", "email": "wang@example.com", "phone": "13800138000"}
    send([{"type": "identify", "userId": "u1", "traits": {"birthday": "1990-02-31", "email": "no", "phone": "1"}}])
    assert str(Member.objects.get().birthday_on) == "1990-02-03"


def test_an_address_of_somebody_else_is_left_alone(send, member):
    taken = member.identities.get(kind="email").value
    two = [
        {"type": "identify", "userId": u, "traits": {"email": e}}
        for u, e in (("a", taken), ("b", "x@y.z"), ("c", "x@y.z"))
    ]
    assert send(two).json()["accepted"] == 3
    assert member.identities.get(kind="email").value == taken
    assert Identity.objects.filter(kind="email", value="x@y.z").count() == 1


def test_a_visitor_waits_until_named(send):
    visitor = {"type": "track", "anonymousId": "v1", "event": "opened", "messageId": "a1", "timestamp": AT.isoformat()}
    assert send([visitor]).json()["parked"] == 1
    assert send([visitor]).json()["duplicates"] == 1
    assert not Member.objects.exists()
    send([{"type": "identify", "userId": "u1", "anonymousId": "v1"}])
    assert Event.objects.get().member.identities.get(kind="anonymous_id").value == "v1"
    assert not ParkedEvent.objects.exists()
    assert send([visitor]).json()["duplicates"] == 1
    assert send([visitor | {"messageId": "a2"}]).json()["accepted"] == 1


def test_unknown_members_wait_where_the_source_makes_none(send, source):
    Source.objects.update(creates_members=False)
    seen = {"type": "identify", "userId": "ｕ９", "anonymousId": "v9", "traits": {"city": "Rome"}}
    assert send([track(1, user="u9"), seen, {"type": "page", "anonymousId": "v9"}]).json()["parked"] == 3
    assert not Member.objects.exists()
    member = people.create_member(actor=None, at=AT, identities={"external_id": "u9"})
    assert set(Event.objects.values_list("definition__name", "member_id")) == {
        ("opened", member.pk),
        ("page", member.pk),
    }
    assert Member.objects.get().city == "Rome"
    assert not ParkedEvent.objects.exists()


def test_gzip(send):
    body = gzip.compress(json.dumps({"batch": [track(1)]}).encode())
    assert send(body, **{"content-encoding": "gzip"}).json()["accepted"] == 1


@pytest.mark.parametrize("table", ["members_source", "members_eventdefinition"])
def test_what_events_name_is_kept_by_the_database(send, table):
    send([track(1)])
    with pytest.raises(IntegrityError, match="events name"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")
    EventDefinition.objects.create(name="never sent").delete()
    Source.objects.create(code="unused", name="Unused").delete()
