"""A term is renewed with a coupon, switched up and refunded, and a mistake voided; each is read before the press."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import MessageIntent
from campaigns.operations.planning import plan as plan_messages
from config.engine.clock import now
from config.staff.access import Role
from entitlements.offers.models import Coupon
from entitlements.offers.operations.issuing import issue_coupon
from members.people.rules import last_day
from members.terms.models import MembershipTerm
from tests import factories
from tests.entitlements.offers.conftest import make_offer

ZONE = "Asia/Shanghai"


def live(member) -> list[tuple[str, date]]:
    """What runs and waits, by plan and last day."""
    rows = MembershipTerm.objects.filter(member=member).open_or_upcoming(now()).select_related("plan")
    return [(row.plan.name_zh, last_day(row.ends_at, ZONE)) for row in rows]


def shown(page: Page) -> list[tuple[str, date]]:
    """The same as the drawer says it before the press."""
    expect(page.locator("#term-submit")).to_be_enabled()
    lines = page.locator("#term-outlook .queue li")
    found = []
    for n in range(lines.count()):
        days = re.findall(r"\d{4}-\d{2}-\d{2}", lines.nth(n).inner_text())
        found.append((lines.nth(n).locator("strong").inner_text(), date.fromisoformat(days[1])))
    return found


@pytest.mark.timeout(600)
def test_what_the_drawer_says_in_chinese_is_what_the_press_does(live_server, open_page, staff):
    at = now()
    gold = factories.TierFactory(code="gold", name_zh="黄金")
    black = factories.TierFactory(code="black", name_zh="黑金")
    month = factories.PlanFactory(code="gold-month", name_zh="黄金月卡", tier=gold, price_cents=3000)
    better = factories.PlanFactory(code="black-month", name_zh="黑金月卡", tier=black, price_cents=9000)
    member = factories.make_member(at=at - timedelta(days=40), display_name="王小明")
    factories.make_term(member=member, at=at - timedelta(days=28), plan=month)
    plan_messages(at=at)
    planned = MessageIntent.objects.filter(member=member, status="pending").count()
    assert planned
    offer = make_offer("renewal_discount", at=at, name_zh="续费八折", terms={"percent": 20})
    issue_coupon(offer_id=offer.pk, member_id=member.pk, at=at, actor=None)
    page = open_page(staff(Role.ADMIN), language="zh-hans")
    address = f"{live_server.url}/console/members/{member.pk}/"
    page.goto(address)

    page.get_by_role("link", name="续费", exact=True).first.click()
    outlook = page.locator("#term-outlook")
    expect(outlook).to_contain_text("¥30")
    page.locator("#term-coupons").get_by_text("续费八折").click()
    expect(outlook).to_contain_text("¥24")
    expect(outlook).to_contain_text("将被使用的优惠券")
    expect(outlook).to_contain_text(f"取消 {planned} 条已计划的消息：已续费")
    read = shown(page)
    assert MembershipTerm.objects.filter(member=member).count() == 1
    assert Coupon.objects.get().status == "issued"
    page.locator("#term-submit").click()
    expect(page.get_by_text("会员已续费").first).to_be_visible()
    page.wait_for_load_state()  # before that a link leads to a page of its own
    assert live(member) == read
    renewal = MembershipTerm.objects.latest("pk")
    assert (renewal.price_cents, Coupon.objects.get().status) == (2400, "redeemed")

    page.get_by_role("link", name="登记购买", exact=True).first.click()
    expect(outlook).to_contain_text("填写")
    expect(page.locator("#term-submit")).to_be_disabled()
    page.locator("#drawer select[name=plan]").select_option(str(better.pk))
    expect(outlook).to_contain_text("暂停，时间保留")
    read = shown(page)
    assert [name for name, _day in read] == ["黑金月卡", "黄金月卡", "黄金月卡"]
    page.locator("#term-submit").click()
    expect(page.locator("#drawer")).not_to_be_visible()
    page.wait_for_load_state()
    assert live(member) == read
    switched = MembershipTerm.objects.filter(plan=better).get()

    page.locator(f"a[href$='/terms/{switched.pk}/refund/']").first.click()
    expect(outlook).to_contain_text("恢复")
    expect(outlook).to_contain_text("¥90")
    read = shown(page)
    page.locator("#term-submit").click()
    expect(page.locator("#drawer")).not_to_be_visible()
    page.wait_for_load_state()
    assert live(member) == read

    mistake = factories.make_term(member=member, at=now(), plan=better)
    page.goto(address)
    page.locator(f"a[href$='/terms/{mistake.pk}/void/']").first.click()
    expect(outlook).to_contain_text("现在结束")
    read = shown(page)
    page.locator("#drawer textarea[name=reason]").fill("登记错了套餐")
    page.locator("#term-submit").click()
    expect(page.locator("#drawer")).not_to_be_visible()
    page.wait_for_load_state()
    assert live(member) == read
