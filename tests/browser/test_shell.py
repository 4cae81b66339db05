"""The way in, and what every page carries: language, theme, the palette, the keyboard."""

from playwright.sync_api import expect

from config.staff.access import Role
from tests.browser import site


def test_a_wrong_password_says_so_and_the_right_one_leads_in(live_server, open_page, staff):
    user = staff(Role.VIEWER)
    page = open_page()
    page.goto(f"{live_server.url}/console/")
    expect(page).to_have_url(f"{live_server.url}/login/?next=/console/")
    page.locator("input[name=username]").fill(user.username)
    page.locator("input[name=password]").fill("wrong")
    page.locator("main button[type=submit]").click()
    expect(page.locator("main [role=alert]").first).to_be_visible()
    page.locator("input[name=username]").fill(user.username)
    page.locator("input[name=password]").fill(site.PASSWORD)
    page.locator("main button[type=submit]").click()
    expect(page).to_have_url(f"{live_server.url}/console/")


def test_the_language_changes_in_place_and_stays(live_server, open_page, staff):
    page = open_page(staff(Role.VIEWER), language="en")
    page.goto(f"{live_server.url}/console/members/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.locator("button[name=language][value=zh-hans]").first.click()
    expect(page).to_have_url(f"{live_server.url}/console/members/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.locator("h1").first).to_contain_text("会员")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")


def test_the_theme_changes_in_place_and_stays(open_page, staff):
    page = open_page(staff(Role.VIEWER))
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("[data-theme-toggle]").first.click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != paper
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_the_palette_opens_by_key_and_leads_to_a_page(live_server, open_page, staff):
    page = open_page(staff(Role.VIEWER))
    page.keyboard.press("Control+k")
    palette = page.locator("dialog[data-palette]")
    expect(palette).to_be_visible()
    page.keyboard.type("Members")
    # The first option is the one Enter takes; before the answer came it was another.
    expect(palette.locator("a[role=option]").first).to_contain_text("Members")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{live_server.url}/console/members/")


def test_the_palette_finds_a_member(world, live_server, open_page):
    page = open_page(world.admin)
    page.keyboard.press("Control+k")
    page.keyboard.type(world.member.display_name)
    page.locator("dialog[data-palette] a[role=option]").first.wait_for()
    page.locator(f'dialog[data-palette] a[href$="/console/members/{world.member.pk}/"]').first.click()
    expect(page).to_have_url(f"{live_server.url}/console/members/{world.member.pk}/")


def test_signing_out_ends_it(live_server, open_page, staff):
    page = open_page(staff(Role.VIEWER))
    page.locator("form[action$='/logout/'] button").first.evaluate("button => button.click()")
    expect(page).to_have_url(f"{live_server.url}/login/")
    page.goto(f"{live_server.url}/console/")
    expect(page).to_have_url(f"{live_server.url}/login/?next=/console/")
