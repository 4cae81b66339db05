"""Every component, in a real browser: axe finds nothing, nothing breaks the CSP, the keyboard reaches all."""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser

AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def findings(page) -> list[str]:
    result = Axe().run(page, options=AXE)
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in result.response["violations"]]


@pytest.mark.parametrize(
    ("path", "theme", "width"),
    [("/gallery/", theme, width) for theme in ("light", "dark") for width in (1440, 390, 320)]
    + [(path, theme, width) for path in ("/login/", "/missing/") for theme, width in (("light", 1440), ("dark", 320))],
)
def test_page_is_accessible_and_fits(open_page, path, theme, width):
    # axe is injected into the page, which the policy rightly forbids: it runs without one.
    page = open_page(path, theme=theme, width=width, csp=False)
    assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
    assert findings(page) == []
    assert page.evaluate(OVERFLOW) <= 0


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_what_floats_is_accessible(open_page, theme, width):
    page = open_page("/gallery/", theme=theme, width=width, csp=False)
    page.click("#renew")
    page.wait_for_selector("#drawer[open] form")
    page.click("#drawer [type=submit]")
    page.wait_for_selector("#drawer .err")
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.wait_for_selector(".pal-o[aria-selected=true]")
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.click("[data-menu=more]")
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.check("[data-select-row] >> nth=0")
    page.click("[data-menu=columns-pop]")
    assert findings(page) == []


def test_targets_are_at_least_24_pixels(open_page):
    page = open_page("/gallery/", width=390)
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, .btn, .ib, summary, select, nav a, .row-acts a, a.n, th a')]
          .filter(e => e.checkVisibility() && !e.closest('p'))
          .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
          .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([html]) => html)"""
    )
    assert small == []


def test_policy_is_never_broken(open_page):
    page = open_page("/gallery/")
    page.click("#renew")
    page.wait_for_selector("#drawer[open] form")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.wait_for_selector(".pal-o[aria-selected=true]")
    assert page.errors == []


def test_drawer_keeps_invalid_form_and_returns_focus(open_page):
    page = open_page("/gallery/")
    page.focus("#renew")
    page.keyboard.press("Enter")
    page.wait_for_selector("#drawer[open] form")
    assert page.evaluate("document.activeElement.name") == "plan"
    page.click("#drawer [type=submit]")
    page.wait_for_selector("#drawer .err")
    assert page.evaluate("document.activeElement.name") == "starts_on"
    page.keyboard.press("Escape")
    page.wait_for_selector("#drawer", state="hidden")
    assert page.evaluate("document.activeElement.id") == "renew"
    assert page.evaluate("document.querySelector('#drawer-body').childElementCount") == 0


def test_palette_by_keyboard(open_page):
    page = open_page("/gallery/")
    page.keyboard.press("Control+k")
    page.wait_for_selector(".pal-o[aria-selected=true]")
    page.keyboard.press("ArrowDown")
    active = page.evaluate("document.activeElement.getAttribute('aria-activedescendant')")
    assert page.get_attribute(f"#{active}", "href") == "/gallery/?m=1"
    page.keyboard.press("Enter")
    page.wait_for_url("**/gallery/?m=1")
    page.keyboard.press("Control+k")
    page.keyboard.type("nobody")
    page.wait_for_selector("#palette-results .empty")
    assert "nobody" in page.inner_text("#palette-results")


def test_selection_counts_rows_and_reaches_all_pages(open_page):
    page = open_page("/gallery/")
    page.check("[data-select-row] >> nth=1")
    assert page.inner_text("[data-select-count]") == "1 selected"
    assert page.is_hidden("[data-select-all]")
    page.click("[data-select-row] >> nth=3", modifiers=["Shift"])
    assert page.inner_text("[data-select-count]") == "3 selected"
    page.check("[data-select-page]")
    page.click("[data-select-all]")
    assert page.inner_text("[data-select-count]") == "All 3,345 selected"
    posted = "new FormData(document.querySelector('#listing')).get('all')"
    assert page.evaluate(posted) == "1"
    page.uncheck("[data-select-row] >> nth=0")
    assert page.evaluate(posted) == ""
    assert page.inner_text("[data-select-count]") == "5 selected"


def test_rows_by_keyboard_and_switching_single_keys_off(open_page):
    page = open_page("/gallery/")
    for key in "jjx":
        page.keyboard.press(key)
    assert page.evaluate("[...document.querySelectorAll('tr')].findIndex(row => row.matches('.on'))") == 2
    page.keyboard.press("?")
    page.uncheck("[data-shortcuts-toggle]")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.is_hidden("#shortcuts")


def test_confirmation_waits_for_the_number(open_page):
    page = open_page("/gallery/")
    page.click("[data-menu=more]")
    page.click("text=Void >> nth=0")
    button = "#void [type=submit]"
    page.fill("#void-confirm", "334")
    assert page.is_disabled(button)
    page.fill("#void-confirm", "３,345")
    assert page.is_enabled(button)


def test_theme_is_kept_by_the_server(open_page):
    page = open_page("/gallery/")
    page.click("[data-theme-toggle]")
    page.reload()
    assert 'data-bs-theme="dark"' in page.content().split("<head>")[0]
    assert page.get_attribute("[data-theme-toggle]", "aria-pressed") == "true"


def test_language_switch_keeps_the_page(open_page):
    page = open_page("/gallery/?state=trial")
    page.click("button[name=language]")
    page.wait_for_load_state()
    assert page.url.endswith("/gallery/?state=trial")
    assert page.get_attribute("html", "lang") == "zh-hans"


def test_columns_and_density_become_cookies(open_page):
    page = open_page("/gallery/")
    page.click("[data-menu=columns-pop]")
    page.check("[data-columns] input[value=spend]")
    page.focus("[data-columns] li:last-child [data-move]")
    page.keyboard.press("ArrowUp")
    page.click("[data-density-set=compact]")
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    assert cookies["columns_members"] == "tier.spend.expiry"
    assert cookies["density"] == "compact"


def test_folded_menu_on_a_phone(open_page):
    page = open_page("/gallery/", width=390)
    assert page.is_hidden("#side")
    page.click("[data-nav-open]")
    assert page.is_visible("#side a.nav >> nth=0")
    assert page.evaluate("document.querySelector('.main').inert")
    page.keyboard.press("Escape")
    assert page.is_hidden("#side")
    assert page.evaluate("document.activeElement.matches('[data-nav-open]')")


def test_print_leaves_the_report(open_page):
    page = open_page("/gallery/", theme="dark")
    page.emulate_media(media="print")
    for gone in (".side", ".top", ".bulk", ".foot", ".query"):
        assert page.is_hidden(gone)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") != "rgb(255, 255, 255)"
