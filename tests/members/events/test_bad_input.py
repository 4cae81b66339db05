"""Whatever a program sends, the answer is never an error of ours, and one bad message costs the others nothing."""

import gzip
import json

import pytest

from members.events.models import Event
from tests.members.events.conftest import AT, track

pytestmark = pytest.mark.django_db

GOOD = json.dumps(track(1))


def _with(properties: str) -> str:
    return f'{{"type":"track","userId":"a","event":"e","properties":{properties}}}'


def _at(rest: str) -> str:
    return f'{{"type":"track","userId":"a","event":"e","timestamp":{rest}}}'


BAD_ITEMS = {
    "NaN": (_with('{"x":NaN}'), "unreadable"),
    "Infinity": (_with('{"x":-Infinity}'), "unreadable"),
    "1e999": (_with('{"x":1e999}'), "number_out_of_range"),
    "1e-999": (_with('{"x":1e-999}'), "number_out_of_range"),
    "1e999999": (_with('{"x":1e999999}'), "unreadable"),
    "5000 digits": (_with(f'{{"x":{"9" * 5000}}}'), "number_out_of_range"),
    "deep": (_with(f'{{"x":{"[" * 100_000}{"]" * 100_000}}}'), "too_deep"),
    "rather deep": (_with(f'{{"x":{"[" * 40}{"]" * 40}}}'), "too_deep"),
    "NUL escape": ('{"type":"track","userId":"a\\u0000","event":"e"}', "unreadable"),
    "NUL": ('{"type":"track","userId":"a\0","event":"e"}', "unreadable"),
    "surrogate": ('{"type":"track","userId":"a","event":"\\ud800"}', "unreadable"),
    "large": (json.dumps(track(9, properties={"x": "a" * 40_000})), "too_large"),
    "number": ("3", "not_an_object"),
    "null": ("null", "not_an_object"),
    "list": ("[]", "not_an_object"),
    "no type": ("{}", "unsupported_type"),
    "group": ('{"type":"group","userId":"a","groupId":"b"}', "unsupported_type"),
    "half an alias": ('{"type":"alias","userId":"a"}', "no_identity"),
    "odd type": ('{"type":["track"],"userId":"a"}', "unsupported_type"),
    "nobody": ('{"type":"track","event":"e"}', "no_identity"),
    "blank user": ('{"type":"track","event":"e","userId":"  "}', "no_identity"),
    "odd user": ('{"type":"track","event":"e","userId":{"a":1}}', "identity"),
    "long user": (json.dumps(track(9, user="u" * 201)), "identity"),
    "no event": ('{"type":"track","userId":"a"}', "event"),
    "long event": (json.dumps(track(9, event="e" * 121)), "event"),
    "odd event": ('{"type":"track","userId":"a","event":5}', "event"),
    "odd properties": (_with('[1]'), "properties"),
    "odd traits": ('{"type":"identify","userId":"a","traits":"x"}', "traits"),
    "traits": (
        json.dumps({"type": "identify", "userId": "a", "traits": {f"t{n}": n for n in range(101)}}), "too_many_traits",
    ),
    "odd id": ('{"type":"track","userId":"a","event":"e","messageId":{}}', "message_id"),
    "long id": (json.dumps(track(9) | {"messageId": "m" * 121}), "message_id"),
    "words": (_at('"tomorrow"'), "timestamp"),
    "infinity": (_at('"infinity"'), "timestamp"),
    "epoch": (_at('1700000000'), "timestamp"),
    "no such day": (_at('"2026-02-30T00:00:00Z"'), "timestamp"),
    "no such hour": (_at('"2026-11-16T25:00:00.000Z"'), "timestamp"),
    "an hour in words": (_at('"2026-11-16Tab:00:00Z"'), "timestamp"),
    "two zones": (_at('"2026-11-16T04:00:00Z+08:00"'), "timestamp"),
    "a zone by name": (_at('"2026-11-16T04:00:00 PST"'), "timestamp"),
    "small odd number": (_with('{"x":[{"y":-1e-301}]}'), "number_out_of_range"),
    "large odd number": (_with('{"x":[{"y":-1e301}]}'), "number_out_of_range"),
    "past": (_at('"1926-11-16"'), "timestamp_out_of_range"),
    "future": (_at('"2126-11-16"'), "timestamp_out_of_range"),
    "first year": (_at('"0001-01-01","sentAt":"9999-12-31"'), "timestamp_out_of_range"),
}  # fmt: skip


@pytest.mark.parametrize(("item", "reason"), BAD_ITEMS.values(), ids=BAD_ITEMS)
def test_a_bad_message_is_named_and_the_rest_kept(send, item, reason):
    answer = send(f'{{"sentAt":"{AT.isoformat()}","batch":[{item}, {GOOD}]}}')
    assert answer.status_code == 200
    assert answer.json()["rejected"] == [{"index": 0, "reason": reason}]
    assert answer.json()["accepted"] == 1
    assert Event.objects.get().message_id == "m1"


@pytest.mark.parametrize(("item", "reason"), BAD_ITEMS.values(), ids=BAD_ITEMS)
@pytest.mark.parametrize("kind", ["track", "identify"])
def test_a_bad_message_alone_is_refused(send, item, reason, kind):
    assert send(item, kind=kind).status_code in (200, 400, 413)


BODIES = {
    "nothing": b"",
    "words": b"hello",
    "cut off": b'{"batch":[' + GOOD.encode(),
    "not utf-8": b'{"batch":["\xff"]}',
    "raw surrogate": b'{"batch":["\xed\xa0\x80"]}',
    "a list": b"[]",
    "a number": b"1e999",
    "no batch": b"{}",
    "batch of another type": b'{"batch":{"a":1}}',
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"batch":' * 20_000,
    "too many": b'{"batch":[' + b",".join([b"0"] * 2_501) + b"]}",
    "too many unreadable": b'{"batch":[' + b",".join([b"NaN"] * 2_501) + b"]}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("kind", ["batch", "track"])
def test_a_bad_body_is_refused(send, body, kind):
    answer = send(body, kind=kind)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not Event.objects.exists()


def test_large_bodies_are_refused(send):
    assert send(b'{"batch":[' + b" " * (10 << 20) + b"]}").status_code == 413
    assert send(b'{"batch":[' + b" " * (500 << 10) + b"]}").status_code == 413


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b" " * (200 << 20)), "gzip", 413),
        (b"not gzip", "gzip", 400),
        (gzip.compress(b'{"batch":[]}')[:-4], "gzip", 400),
        (gzip.compress(b'{"batch":[]}') + b"more", "gzip", 400),
        (b"x", "br", 415),
    ],
    ids=["bomb", "no gzip", "cut off", "more behind", "another packing"],
)
def test_packed_bodies(send, body, encoding, status):
    assert send(body, **{"content-encoding": encoding}).status_code == status


def test_a_wrong_clock_beyond_reason_corrects_nothing(send):
    send({"batch": [track(1)], "sentAt": "9999-01-01T00:00:00Z"})
    assert Event.objects.get().occurred_at == AT
