"""Whole journeys: a file becomes members with states; a renewal takes back the reminders that were planned."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from campaigns.models import MessageIntent
from campaigns.operations.planning import cancel
from config.engine.clock import now
from config.staff.access import Role
from members.people.models import Identity, Member
from members.terms.models import MembershipTerm
from tests import factories


@pytest.mark.timeout(600)
def test_a_file_becomes_members_whose_states_say_why(
    live_server, open_page, staff, tmp_path, settings, workers_at_once
):
    settings.MEDIA_ROOT = tmp_path / "media"
    factories.TierFactory(code="gold", name="Gold", position=7)
    today = now().date()
    lines = [
        "用户编号,姓名,会员等级,激活时间,到期时间",
        f"j-1,王小明,gold,{today - timedelta(days=27)},{today + timedelta(days=3)}",
        f"j-2,李雷,gold,{today - timedelta(days=45)},{today - timedelta(days=15)}",
        "j-3,韩梅梅,,,",
        f"j-4,坏日期,gold,{today - timedelta(days=5)},2026-02-30",
    ]
    file = tmp_path / "members.csv"
    file.write_bytes("\n".join(lines).encode("gb18030"))

    page = open_page(staff(Role.OPERATOR))
    page.goto(f"{live_server.url}/console/imports/")
    page.get_by_role("link", name="New import").first.click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Upload and look at it").click()
    expect(page.get_by_text("王*明").first).to_be_visible()  # masked, as everywhere
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("2026-02-30").first).to_be_visible()
    assert Member.objects.count() == 0, "nothing may be written before it is confirmed"

    page.locator("#confirm input[value=valid]").check()
    page.locator("button[form=confirm]").click()
    expect(page.get_by_role("button", name="Undo this import")).to_be_visible()
    assert Member.objects.count() == 3
    states = {
        identity.value: identity.member.lifecycle.lifecycle_state
        for identity in Identity.objects.filter(kind="external_id").select_related("member__lifecycle")
    }
    assert states == {"j-1": "expiring", "j-2": "expired", "j-3": "prospect"}

    expiring = Identity.objects.get(value="j-1").member
    page.goto(f"{live_server.url}/console/members/{expiring.pk}/")
    expect(page.locator("main").get_by_text("Expiring").first).to_be_visible()
    expect(page.locator("main").get_by_text("No later term, auto-renewal is off").first).to_be_visible()


@pytest.mark.timeout(600)
def test_a_renewal_takes_the_planned_reminders_back(world, live_server, open_page):
    member = world.members[1]
    pending = MessageIntent.objects.filter(member=member, status="pending")
    assert pending.exists()
    terms = MembershipTerm.objects.filter(member=member).count()

    page = open_page(world.admin)
    page.goto(f"{live_server.url}/console/members/{member.pk}/")
    page.get_by_role("link", name="Renew", exact=True).first.click()
    page.locator("#drawer-body button[type=submit]").click()
    expect(page.get_by_text("The membership is renewed.").first).to_be_visible()
    assert MembershipTerm.objects.filter(member=member).count() == terms + 1

    cancel(at=now())  # What the beat does every few seconds.
    assert not pending.exists()
    page.goto(f"{live_server.url}/console/members/{member.pk}/")
    expect(page.locator("main").get_by_text("Renewed").first).to_be_visible()
