"""A file that knows days alone, brought in by hand in Chinese; what its member is told before that day."""

from datetime import date, time, timedelta

import pytest
import time_machine
from playwright.sync_api import expect

from campaigns.models import MessageIntent
from campaigns.operations.planning import plan as plan_messages
from config.engine.clock import now
from config.staff.access import Role
from members.people.models import Member
from members.people.rules import at_local, local_date
from members.terms.models import MembershipTerm
from tests import factories

ZONE = "Asia/Shanghai"
# Days before the last one, and how each reminder says them.
SAYS = {7: "还有 7 天", 3: "还有 3 天", 1: "明天", 0: "今天"}


@pytest.mark.timeout(600)
def test_four_reminders_name_the_day_that_the_file_says(
    live_server, open_page, staff, tmp_path, settings, workers_at_once
):
    settings.MEDIA_ROOT = tmp_path / "media"
    factories.TierFactory(code="gold", name="Gold", name_zh="黄金", position=7)
    operator = staff(Role.OPERATOR)
    last_on = local_date(now(), ZONE) + timedelta(days=8)
    file = tmp_path / "会员.csv"
    first_on = last_on - timedelta(days=300)
    file.write_text(
        f"用户编号,姓名,邮箱,会员等级,激活时间,到期时间\nj-1,王小明,wang@example.com,gold,{first_on},{last_on}\n"
    )

    page = open_page(operator, language="zh-hans")
    page.goto(f"{live_server.url}/console/imports/")
    page.get_by_role("link", name="新建导入").first.click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="上传并查看").click()
    page.get_by_role("button", name="校验文件").click()
    page.get_by_role("button", name="写入全部行").click()
    expect(page.get_by_role("button", name="撤销此次导入")).to_be_visible()
    member = Member.objects.get()
    assert MembershipTerm.objects.get().ends_at == at_local(last_on + timedelta(days=1), time(0), ZONE)
    page.goto(f"{live_server.url}/console/members/{member.pk}/")
    expect(page.locator("main").get_by_text(f"{last_on}").first).to_be_visible()

    plan_messages(at=now())
    letters = MessageIntent.objects.filter(member=member, channel="email", campaign__code="renewal-cadence")
    told = {}
    for letter in letters.order_by("due_at"):
        with time_machine.travel(letter.due_at, tick=False):
            page = open_page(operator, language="zh-hans")
            page.goto(f"{live_server.url}/console/messages/{letter.pk}/")
            subject, text = page.locator("dl.mail-head dd").first, page.locator("details pre")
            days = (last_on - local_date(letter.due_at, ZONE)).days
            told[days] = f"{subject.inner_text()}\n{text.text_content()}"
    assert list(told) == list(SAYS)
    for days, words in SAYS.items():
        assert words in told[days], told[days]
        assert _in_chinese(last_on) in told[days], told[days]


def _in_chinese(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
