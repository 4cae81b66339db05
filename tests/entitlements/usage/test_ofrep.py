import pytest

from entitlements.benefits.models import Benefit
from entitlements.usage.operations.consuming import consume
from tests.entitlements.usage.conftest import AT, id_of, make_benefit

pytestmark = pytest.mark.django_db


@pytest.fixture
def flag(call):
    """``flag("credit", member)``: one flag; a member's id, or nothing, may be given instead."""

    def evaluate(key: str, who, **context):
        context |= {} if who is None else {"targetingKey": who if isinstance(who, str) else id_of(who)}
        return call("POST", f"/ofrep/v1/evaluate/flags/{key}", {"context": context})

    return evaluate


def test_access_level_and_what_remains(flag, ladder, silver):
    consume(member_id=silver.pk, benefit=ladder.credit, amount=58, at=AT, origin="api")
    said = flag("credit", silver).json()
    assert (said["key"], said["value"], said["reason"], said["variant"]) == ("credit", True, "TARGETING_MATCH", "open")
    assert said["metadata"] == {
        "verdict": "open", "reason": "granted", "granted": 100, "used": 58, "remaining": 42,
        "hint": "本功能为会员专享,已为你激活", "resetsAt": "2026-11-30T16:00:00+00:00",
    }  # fmt: skip
    assert flag("credit.remaining", silver).json()["value"] == 42
    assert flag("ai-export.level", ladder.member(ladder.gold_plan)).json()["value"] == "4K"
    assert flag("ai-export.level", silver).json()["value"] == ""


def test_no_limit_leaves_the_programs_own_default(flag, ladder):
    said = flag("ai-export.remaining", ladder.member(ladder.gold_plan)).json()
    assert "value" not in said
    assert said["metadata"]["verdict"] == "open"


def test_the_way_out_is_in_the_metadata(flag, silver):
    said = flag("ai-export", silver).json()
    assert (said["value"], said["variant"]) == (False, "locked")
    assert said["metadata"]["hint"] == "使用 AI 导出需升级至高级会员"
    assert said["metadata"]["upgradeTarget"] == "gold"
    assert flag("ai-export", silver, language="en").json()["metadata"]["hint"] == "Upgrade to Gold to use AI export"
    make_benefit("film", when_denied="preview", preview_limit=30)
    assert flag("film", silver).json()["metadata"]["previewLimit"] == 30


def test_metadata_holds_texts_numbers_and_booleans_only(call, silver):
    flags = call("POST", "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": id_of(silver)}}).json()["flags"]
    values = [value for each in flags for value in each["metadata"].values()]
    assert {type(value) for value in values} <= {str, int, float, bool}


def test_who_is_no_member_is_answered_as_the_free_tier(flag, ladder):
    said = flag("credit", "visitor-9").json()
    assert (said["value"], said["reason"], said["metadata"]["remaining"]) == (True, "STATIC", 1)
    for odd in ("\0", "\ud800", "x" * 5000, "a/b"):
        assert flag("ai-export", odd).json()["metadata"]["upgradeTarget"] == "gold"


def test_bulk_and_its_etag(call, ladder, silver):
    body = {"context": {"targetingKey": id_of(silver)}}
    first = call("POST", "/ofrep/v1/evaluate/flags", body)
    assert [each["key"] for each in first.json()["flags"]] == ["ai-export", "credit", "credit.remaining"]
    for known in (first["ETag"], f"W/{first['ETag']}", f'"x", {first["ETag"]}', "*"):
        again = call("POST", "/ofrep/v1/evaluate/flags", body, **{"if-none-match": known})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    consume(member_id=silver.pk, benefit=ladder.credit, amount=1, at=AT, origin="api")
    changed = call("POST", "/ofrep/v1/evaluate/flags", body, **{"if-none-match": first["ETag"]})
    assert (changed.status_code, changed["ETag"] != first["ETag"]) == (200, True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_CONTEXT"),
        (b'{"context": 3}', "INVALID_CONTEXT"),
        (b'{"context": {}}', "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": ""}}', "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": ["a"]}}', "INVALID_CONTEXT"),
        (b"{", "PARSE_ERROR"),
        (b"[]", "PARSE_ERROR"),
        (b'{"context": {"targetingKey": "a", "x": NaN}}', "PARSE_ERROR"),
        (b"[" * 100_000, "PARSE_ERROR"),
        (b"\xff", "PARSE_ERROR"),
    ],
)
def test_a_bad_request_has_the_protocols_code(call, ladder, body, code):
    one, all_ = call("POST", "/ofrep/v1/evaluate/flags/credit", body), call("POST", "/ofrep/v1/evaluate/flags", body)
    assert (one.status_code, one.json()["errorCode"], one.json()["key"]) == (400, code, "credit")
    assert (all_.status_code, all_.json()["errorCode"]) == (400, code)
    assert one.json()["errorDetails"]


@pytest.mark.parametrize(
    "key", ["nothing", "credit.worth", "credit.", ".level", "credit.level.more", "a/b", "%00", "赠"]
)
def test_an_unknown_flag(call, flag, ladder, silver, key):
    answer = flag(key, silver)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "FLAG_NOT_FOUND")
    Benefit.objects.filter(code="credit").update(is_archived=True)
    assert flag("credit", silver).status_code == 404


def test_large_bodies_are_refused(call, ladder):
    answer = call("POST", "/ofrep/v1/evaluate/flags/credit", b" " * (600 << 10))
    assert (answer.status_code, answer.json()["errorCode"]) == (413, "PARSE_ERROR")


def test_the_ways_to_sign_in(call, ladder, secret):
    body = {"context": {"targetingKey": "visitor"}}
    for headers in ({"authorization": f"bearer {secret}"}, {"authorization": "", "x-api-key": secret}):
        assert call("POST", "/ofrep/v1/evaluate/flags", body, **headers).status_code == 200
