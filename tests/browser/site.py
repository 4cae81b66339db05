"""A real browser on a running site: how it is started, how a person signs in, what axe finds on a page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

PASSWORD = "correct horse battery"

AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

TARGET_SIZE = "target-size"

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Root may not use the sandbox; a test must not phone home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium. Without one the tests fail and say what to install; they are never skipped."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise RuntimeError("no Chromium found. Install it:\n  sudo apt-get install -y chromium fonts-noto-cjk")
    return playwright.chromium.launch(executable_path=found, args=ARGUMENTS)


@contextmanager
def visit(
    browser: Browser, site: str, *, language: str = "en", theme: str = "light", width: int = 1440, csp: bool = True
) -> Iterator[BrowserContext]:
    """A fresh visitor. ``csp=False`` lets axe in, which the policy rightly keeps out."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, bypass_csp=not csp, reduced_motion="reduce",
        locale="zh-CN" if language.startswith("zh") else "en-GB",
    )  # fmt: skip
    context.add_cookies(
        [
            {"name": "theme", "value": theme, "url": site},
            {"name": "django_language", "value": language, "url": site},
        ]
    )
    context.set_default_timeout(15_000)
    try:
        yield context
    finally:
        context.close()


def page_of(context: BrowserContext, errors: list[str]) -> Page:
    """A new page whose script errors, policy breaches and failed answers of the server are added to ``errors``."""
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    page.on("console", lambda line: errors.append(f"{page.url}: {line.text}") if is_error(line) else None)
    return page


def is_error(line: ConsoleMessage) -> bool:
    """A request that a newer one replaces is none, though htmx reports it as one; a failed one also says so itself.

    Nor is a form's answer that something in it is not right, which Chromium calls a failed resource.
    """
    expected = line.text.startswith(("htmx:sendAbort", "htmx:afterRequest")) or "a status of 422" in line.text
    return line.type == "error" and not expected


def sign_in(page: Page, site: str, username: str, password: str = PASSWORD) -> None:
    page.goto(f"{site}/login/")
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"{site}/console/**")


def findings(page: Page) -> list[str]:
    """What axe finds on the page as it stands, a line each: rule, where, why."""
    violations = Axe().run(page, options=AXE_RULES).response["violations"]
    return [
        f"{violation['id']}: {node['target'][0]} · {violation['help']}"
        for violation in violations
        for node in violation["nodes"]
        if violation["id"] != TARGET_SIZE or _is_small_when_reached(page, node["target"][0])
    ]


def _is_small_when_reached(page: Page, selector: str) -> bool:
    """Whether a target is too small still once tabbed to; a bar that sticks to the window may have covered it."""
    before = page.evaluate("window.scrollY")
    page.evaluate("selector => document.querySelector(selector).focus()", selector)
    found = Axe().run(page, context=selector, options={"runOnly": [TARGET_SIZE]}).response["violations"]
    page.evaluate("y => { document.activeElement.blur(); window.scrollTo(0, y) }", before)
    return bool(found)


def sideways_scroll(page: Page) -> int:
    """By how many pixels the page is wider than its window: 0 when it reflows."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
