from datetime import timedelta

import pytest
from django.test import Client

from config.audit.models import AuditEntry
from entitlements.benefits.models import Benefit
from entitlements.grants.models import Balance
from entitlements.usage.models import UsageRecord
from members.events.models import WriteKey
from members.merging.operations.merging import merge_members
from tests.entitlements.usage.conftest import AT, DAY, id_of, make_benefit

pytestmark = pytest.mark.django_db


def test_a_use_is_answered_with_what_is_left(use, silver):
    answer = use(silver, "credit", 3)
    assert answer.status_code == 200
    body = answer.json()
    record = UsageRecord.objects.get()
    assert body == {
        "record": record.pk, "benefit": "credit", "outcome": "used", "amount": 3, "at": "2026-11-16T04:00:00Z",
        "granted": 100, "used": 3, "remaining": 97, "overage": 0, "overage_total": 0, "saved_cents": 150,
        "currency": "CNY",
    }  # fmt: skip
    assert use(silver, "credit").json()["remaining"] == 96
    assert (record.origin, Balance.objects.get(member=silver, benefit=record.benefit).uses) == ("api", 2)
    assert WriteKey.objects.get().last_used_at == AT


def test_a_hot_use_costs_two_statements(use, call, silver, django_assert_num_queries):
    use(silver, "credit")
    path = f"/api/v1/members/{id_of(silver)}/benefits/credit/consume"
    # The key and the use, of which Django's own cursor sees only the savepoints around them.
    with django_assert_num_queries(4):
        assert call("POST", path, **{"idempotency-key": "k"}).status_code == 200


def test_the_same_key_gets_the_same_bytes(use, silver):
    first = use(silver, "credit", 3, key="order-1")
    use(silver, "credit", 5)
    again = use(silver, "credit", 3, key="order-1", at_clock=AT + timedelta(hours=1))
    assert again.content == first.content
    assert (first.get("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (None, "true")
    assert use(silver, "credit", 3, key='"order-1"', at_clock=AT + timedelta(hours=2)).content == first.content
    assert Balance.objects.get(member=silver, benefit__code="credit").used == 8


def test_a_changed_request_with_the_same_key_is_refused(use, ladder, silver):
    use(silver, "credit", 3, key="k")
    make_benefit("other", (ladder.silver, {"amount": 9}), kind="quota")
    other = ladder.member(ladder.plan)
    for asked in ((silver, "credit", 4), (silver, "other", 3), (other, "credit", 3)):
        answer = use(*asked, key="k")
        assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert UsageRecord.objects.count() == 1


def test_keys_are_a_sources_own(use, silver, call, admin):
    from members.events.operations.keys import make_key
    from tests import factories

    use(silver, "credit", 3, key="k")
    other = make_key(
        source_id=factories.SourceFactory(code="web").pk, label="Web", scopes=["benefits"], actor=admin, at=AT
    )[1]
    path = f"/api/v1/members/{id_of(silver)}/benefits/credit/consume"
    answer = call("POST", path, {"amount": 9}, **{"idempotency-key": "k", "x-api-key": other, "authorization": ""})
    assert answer.json()["used"] == 12


def test_a_hard_limit_answers_409_with_the_way_out(use, silver):
    use(silver, "credit", 98)
    answer = use(silver, "credit", 3, key="k")
    assert answer.status_code == 409
    body = answer.json()
    assert (body["code"], body["outcome"], body["granted"], body["used"], body["remaining"]) == (
        "limit_reached", "limit_reached", 100, 98, 2,
    )  # fmt: skip
    assert (body["upgrade_target"], body["hint"]) == ("gold", "积分额度已用完，升级至高级会员可继续使用")
    # Said again as it was said, whatever the words are by now.
    Benefit.objects.update(name_zh="新名")
    use(silver, "credit", 1)
    assert use(silver, "credit", 3, key="k", at_clock=AT + timedelta(minutes=9)).content == answer.content


def test_no_access_answers_403_with_the_hint_in_her_language(use, ladder, silver):
    answer = use(silver, "ai-export", key="k")
    assert answer.status_code == 403
    body = answer.json()
    assert (body["code"], body["reason"], body["upgrade_target"]) == ("no_access", "not_granted", "gold")
    assert body["hint"] == "使用 AI 导出需升级至高级会员"
    english = ladder.member(ladder.plan, language="en-GB")
    assert use(english, "ai-export").json()["hint"] == "Upgrade to Gold to use AI export"
    assert use(english, "ai-export", language="zh-CN").json()["hint"] == "使用 AI 导出需升级至高级会员"
    assert use(silver, "ai-export", key="k", at_clock=AT + DAY).content == answer.content


def test_early_access_is_needed_before_the_day(use, ladder, silver):
    soon = AT + timedelta(hours=10)
    make_benefit(
        "drop", (ladder.silver, {}), (ladder.gold, {"early_hours": 24}), kind="access", public_at=soon, name_zh="新品"
    )
    answer = use(silver, "drop")
    assert (answer.status_code, answer.json()["reason"]) == (403, "not_open_yet")
    assert answer.json()["opens_at"] == "2026-11-16T14:00:00Z"
    assert answer.json()["upgrade_target"] == "gold"
    assert use(ladder.member(ladder.gold_plan), "drop").status_code == 200
    assert use(silver, "drop", at_clock=soon).status_code == 200


def test_beyond_a_soft_limit_is_overage(use, ladder, silver):
    make_benefit("storage", (ladder.silver, {"amount": 10}), kind="quota", is_hard_limit=False)
    use(silver, "storage", 8)
    body = use(silver, "storage", 5).json()
    assert (body["used"], body["remaining"], body["overage"], body["overage_total"]) == (10, 0, 3, 3)


def test_a_new_member_is_settled_on_her_first_use(use, ladder):
    assert use(ladder.member(), "credit").json()["granted"] == 1


def test_what_came_late_is_kept_and_not_counted(use, silver):
    use(silver, "credit", 1)
    answer = use(silver, "credit", 5, at=(AT - 40 * DAY).isoformat())
    assert (answer.status_code, answer.json()["outcome"], answer.json()["used"]) == (200, "late", 1)


def test_a_use_is_taken_back_once(use, call, silver):
    used = use(silver, "credit", 3).json()
    path = f"/api/v1/usage/{used['record']}/reverse"
    first, again = call("POST", path, {"reason": "Paid back"}), call("POST", path, at=AT + DAY)
    assert (first.status_code, first.json()["used"], first.json()["reverses"]) == (200, 0, used["record"])
    assert again.content == first.content
    assert AuditEntry.objects.get(action="usage.reversed").reason == "Paid back"
    answer = call("POST", f"/api/v1/usage/{first.json()['record']}/reverse")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_a_use")
    for unknown in (0, 10**12, 10**30):
        assert call("POST", f"/api/v1/usage/{unknown}/reverse").status_code == 404


def test_who_was_merged_is_found_by_her_old_number(use, ladder, silver, admin):
    absorbed = ladder.member()
    old = id_of(absorbed)
    merge_members(survivor_id=silver.pk, absorbed_id=absorbed.pk, choices={}, actor=admin, at=AT)
    answer = use(silver, "credit")
    assert answer.status_code == 200
    assert old != id_of(silver)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/members/nobody/benefits/credit/consume", "unknown_member"),
        ("/api/v1/members/{id}/benefits/nothing/consume", "unknown_benefit"),
        ("/api/v1/members/%00/benefits/credit/consume", "unknown_member"),
        ("/api/v1/members/%ED%A0%80/benefits/credit/consume", "unknown_member"),
        ("/api/v1/members/" + "x" * 5000 + "/benefits/credit/consume", "unknown_member"),
    ],
)
def test_what_is_not_there(call, silver, path, code):
    answer = call("POST", path.format(id=id_of(silver)), {"amount": 1})
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert answer["Content-Type"] == "application/problem+json"


BAD = {
    "NaN": b'{"amount": NaN}',
    "1e999": b'{"amount": 1e999}',
    "fraction": b'{"amount": 1.5}',
    "text": b'{"amount": "1"}',
    "true": b'{"amount": true}',
    "null": b'{"amount": null}',
    "none": b'{"amount": 0}',
    "negative": b'{"amount": -1}',
    "too much": b'{"amount": 1000000000001}',
    "huge": b'{"amount": 1' + b"0" * 400 + b"}",
    "5000 digits": b'{"amount": ' + b"9" * 5000 + b"}",
    "list": b"[]",
    "nested": b"[" * 100_000,
    "nested amount": b'{"amount": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "not json": b"amount=1",
    "not utf-8": b'{"amount": "\xff"}',
    "NUL": b'{"amount": 1, "at": "\\u0000"}',
    "words": b'{"at": "tomorrow"}',
    "number": b'{"at": 1700000000}',
    "first year": b'{"at": "0001-01-01T00:00:00+14:00"}',
    "future": b'{"at": "2126-11-16T00:00:00Z"}',
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_a_bad_body_is_refused(call, silver, body):
    answer = call("POST", f"/api/v1/members/{id_of(silver)}/benefits/credit/consume", body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not UsageRecord.objects.exists()


@pytest.mark.parametrize("key", ["", " ", '""', "x" * 161, "a\x00b", "a\x7fb"])
def test_a_bad_key_is_refused(call, silver, key):
    path = f"/api/v1/members/{id_of(silver)}/benefits/credit/consume"
    assert call("POST", path, {}, **{"idempotency-key": key}).json()["code"] == "idempotency_key"


def test_odd_fields_do_no_harm(call, silver):
    path = f"/api/v1/members/{id_of(silver)}/benefits/ai-export/consume"
    assert call("POST", path, {"language": {"a": 1}, "extra": [1, {"b": None}]}).status_code == 403
    assert call("POST", path, b'{"language": "\\ud800\\u0000"}').status_code == 403
    reverse = "/api/v1/usage/1/reverse"
    for reason in (
        b'{"reason": "\\u0000"}',
        b'{"reason": "\\ud800"}',
        b'{"reason": 3}',
        b'{"reason": "' + b"a" * 201 + b'"}',
    ):
        assert call("POST", reverse, reason).json()["code"] == "reason"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/members/x/benefits/credit/consume"),
        ("POST", "/api/v1/usage/1/reverse"),
        ("GET", "/api/v1/members/x/benefits/credit"),
        ("GET", "/api/v1/members/x/benefits"),
        ("POST", "/ofrep/v1/evaluate/flags/credit"),
        ("POST", "/ofrep/v1/evaluate/flags"),
    ],
)
def test_only_a_key_with_the_scope_opens(call, method, path):
    assert Client().generic(method, path).status_code == 401
    assert call(method, path, **{"authorization": "Bearer wk_wrong"}).status_code == 401
    WriteKey.objects.update(scopes=["events", "profiles"])
    assert call(method, path).status_code == 403
    WriteKey.objects.update(scopes=["benefits"], revoked_at=AT)
    assert call(method, path).status_code == 401
    assert not UsageRecord.objects.exists()


def test_other_methods_are_refused(call, silver):
    assert call("GET", f"/api/v1/members/{id_of(silver)}/benefits/credit/consume").status_code == 405
    assert call("POST", f"/api/v1/members/{id_of(silver)}/benefits", {}).status_code == 405
    assert call("GET", "/api/v1/nothing").status_code == 404
