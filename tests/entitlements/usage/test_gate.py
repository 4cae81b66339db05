"""The rule by itself, and the gate over what members hold."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entitlements.benefits.models import Benefit
from entitlements.grants.models import Standing
from entitlements.usage.gate import verdict, verdicts_for_stranger
from entitlements.usage.operations.consuming import consume
from entitlements.usage.rules import Held, Rung, fill_in, judge
from members.terms.operations import terms
from tests.entitlements.usage.conftest import AT, DAY, id_of, make_benefit

GOLD = Rung(20, "gold", "Gold", "高级会员", 500, "4K", 48)
SILVER = Rung(10, "silver", "Silver", "白银会员", 100, "HD", 0)


def judged(held=Held(), rungs=(GOLD, SILVER), *, position=None, language="zh-CN", amount=1, **fields):  # noqa: B008
    fields = {"code": "x", "name": "AI export", "name_zh": "AI 导出", "kind": "quota"} | fields
    return judge(Benefit(**fields), held, rungs, position=position, at=AT, language=language, amount=amount)


def test_open():
    said = judged(Held(True, 5, 2, level="HD"))
    assert (said.access, said.verdict, said.reason, said.remaining) == (True, "open", "granted", 3)
    assert (said.hint, said.level, said.upgrade_target) == ("本功能为会员专享,已为你激活", "HD", None)
    assert judged(Held(True, None, 900)).remaining is None


def test_locked_names_the_lowest_tier_that_gives_it():
    said = judged()
    assert (said.access, said.verdict, said.upgrade_target) == (False, "locked", "silver")
    assert judged(position=10).hint == "使用 AI 导出需升级至高级会员"
    assert judged(position=10, language="en").hint == "Upgrade to Gold to use AI export"
    assert judged(position=20).upgrade_target is None
    assert judged(position=20).hint == "AI 导出暂未开放"
    assert judged(rungs=[Rung(10, "s", "S", "", 0, "", 0), GOLD]).upgrade_target == "gold"


@pytest.mark.parametrize(
    ("fields", "answer", "limit"),
    [
        ({"when_denied": "preview", "preview_limit": 30}, "preview", 30),
        ({"when_denied": "hidden_price", "preview_limit": 30}, "hidden_price", None),
    ],
)
def test_other_ways_to_be_denied(fields, answer, limit):
    said = judged(**fields)
    assert (said.access, said.verdict, said.preview_limit) == (False, answer, limit)


def test_the_limit_names_who_gives_more():
    said = judged(Held(True, 100, 100, allowance=100), position=10)
    assert (said.access, said.verdict, said.reason, said.upgrade_target) == (False,) + ("limit_reached",) * 2 + (
        "gold",
    )
    assert judged(Held(True, 500, 500, allowance=500), position=20).hint == "AI 导出已用完"
    assert not judged(Held(True, 10, 8), amount=3).access
    soft = judged(Held(True, 10, 10, overage=4), is_hard_limit=False)
    assert (soft.access, soft.reason, soft.overage) == (True, "over_limit", 4)


def test_early_access():
    opens = AT + timedelta(hours=10)
    said = judged(Held(True, None, early_hours=4), public_at=opens, position=10)
    assert (said.verdict, said.opens_at, said.upgrade_target) == ("too_early", opens - timedelta(hours=4), "gold")
    assert judged(Held(True, None, early_hours=10), public_at=opens).access
    assert judged(public_at=opens).opens_at is None


def test_waiting_to_be_unlocked():
    said = judged(position=10, unlocked_by_id=7)
    assert (said.reason, said.upgrade_target, said.hint) == ("not_unlocked", None, "AI 导出尚未解锁")
    assert judged(position=5, unlocked_by_id=7).reason == "not_granted"


def test_a_benefits_own_words_win():
    own = {"hint_upgrade": "{benefit}: go {tier}", "hint_upgrade_zh": "升{tier}用{benefit}", "hint_open_zh": "可用"}
    assert judged(**own).hint == "升白银会员用 AI 导出"
    assert judged(language="en", **own).hint == "AI export: go Silver"
    assert judged(Held(True, None), **own).hint == "可用"
    assert judged(position=20, **own).hint == "AI 导出暂未开放"


@pytest.mark.parametrize(
    "template", ["{benefit.__class__}", "{0}", "{}", "{{benefit}}", "{tier!r:>9999999999}", "%(tier)s", "{", "}{"]
)
def test_only_the_two_names_are_filled_in(template):
    filled = fill_in(template, benefit="B", tier="{benefit}", in_chinese=False)
    assert filled == template.replace("{benefit}", "B")


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_filling_in_only_ever_adds_blanks_to_replacing(template, benefit, tier):
    plain = fill_in(template, benefit=benefit, tier=tier, in_chinese=False)
    spaced = fill_in(template, benefit=benefit, tier=tier, in_chinese=True)
    assert spaced.replace(" ", "") == plain.replace(" ", "")


def asked(member, benefit, at=AT, language="zh-hans"):
    return verdict(member_id=member.pk, benefit=benefit, at=at, language=language)


@pytest.mark.django_db
def test_a_member_is_settled_when_what_she_holds_is_out_of_date(ladder, silver):
    assert not Standing.objects.exists()
    assert asked(silver, ladder.credit).remaining == 100
    consume(member_id=silver.pk, benefit=ladder.credit, amount=40, at=AT, origin="api")
    now = asked(silver, ladder.credit)
    assert (now.remaining, now.used) == (60, 40)
    assert asked(silver, ladder.credit, at=now.resets_at).remaining == 100
    assert asked(silver, ladder.credit, at=AT + 90 * DAY).granted == 1


@pytest.mark.django_db
def test_an_upgrade_opens_the_gate(ladder, silver):
    before = asked(silver, ladder.export)
    assert (before.access, before.hint) == (False, "使用 AI 导出需升级至高级会员")
    terms.purchase(member_id=silver.pk, plan=ladder.gold_plan, at=AT, actor=None)
    Standing.objects.update(next_due_at=AT)
    after = asked(silver, ladder.export)
    assert (after.access, after.level) == (True, "4K")


@pytest.mark.django_db
def test_strangers_are_answered_as_the_free_tier(ladder):
    credit, export = verdicts_for_stranger(benefits=[ladder.credit, ladder.export], at=AT, language="zh-hans")
    assert (credit.access, credit.remaining) == (True, 1)
    assert (export.access, export.upgrade_target) == (False, "gold")


@pytest.mark.django_db
def test_check_and_list(call, ladder, silver):
    path = f"/api/v1/members/{id_of(silver)}/benefits"
    said = call("GET", f"{path}/credit").json()
    assert (said["access"], said["remaining"], said["resets_at"]) == (True, 100, "2026-11-30T16:00:00Z")
    assert call("GET", f"{path}/credit?amount=101").json()["verdict"] == "limit_reached"
    assert call("GET", f"{path}/ai-export?language=en").json()["hint"] == "Upgrade to Gold to use AI export"
    make_benefit("third")
    first = call("GET", f"{path}?limit=2").json()
    assert [each["benefit"] for each in first["benefits"]] == ["ai-export", "credit"]
    second = call("GET", f"{path}?limit=2&cursor={first['next_cursor']}").json()
    assert ([each["benefit"] for each in second["benefits"]], second["next_cursor"]) == (["third"], None)
    for query, code in (
        ("limit=0", "limit"), ("limit=201", "limit"), ("cursor=x", "cursor"), ("limit=²", "limit"),
        ("cursor=%00", "cursor"), ("cursor=9999999999999999999", "cursor"),
    ):  # fmt: skip
        answer = call("GET", f"{path}?{query}")
        assert answer.status_code in (200, 400)
        assert answer.status_code == 200 or answer.json()["code"] == code
    assert call("GET", f"{path}/credit?amount=x").json()["code"] == "amount"
    assert call("GET", "/api/v1/members/nobody/benefits").status_code == 404
    Benefit.objects.filter(code="credit").update(is_archived=True)
    assert call("GET", f"{path}/credit").json()["code"] == "unknown_benefit"


@pytest.mark.django_db
def test_a_check_of_an_open_benefit_costs_three_statements(call, silver, django_assert_num_queries):
    path = f"/api/v1/members/{id_of(silver)}/benefits/credit"
    call("GET", path)
    # The key, the look-up and the state, of which Django's own cursor sees only the savepoints around them.
    with django_assert_num_queries(6):
        call("GET", path)
