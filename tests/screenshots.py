"""Every page in both languages, both themes and two widths, as pictures, with what axe finds counted.

Pictures and ``summary.json`` go to var/screenshots (git-ignored). Works on a database of its own, made and dropped
here, filled with demo members and one of everything else. Ends with 1 when axe finds anything.
"""

import argparse
import json
import os
import re
import shutil
import sys
from collections import Counter
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

LANGUAGES, THEMES, WIDTHS = ("zh-hans", "en"), ("light", "dark"), (1440, 390)
MEMBERS = 400
SIGN_IN = "/login/"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression; only addresses it matches")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "screenshots")
    options = parser.parse_args()

    import django

    django.setup()
    from django.test.runner import DiscoverRunner

    runner = DiscoverRunner(interactive=False, verbosity=0)
    runner.setup_test_environment()
    databases = runner.setup_databases()
    try:
        return shoot(options.out, re.compile(options.only))
    finally:
        runner.teardown_databases(databases)


def shoot(out: Path, only: re.Pattern[str]) -> int:
    """Fill the database, serve it, and visit every page; returns the exit status."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread
    from playwright.sync_api import sync_playwright

    from tests.browser import site

    world = fill()
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    # The sign-in page is always visited: it is the way to the others.
    addresses = [(name, path) for name, path in pages(world) if path == SIGN_IN or only.search(path)]
    found: list[dict[str, str | int]] = []
    try:
        with sync_playwright() as playwright:
            browser = site.launch(playwright)
            for language, theme in product(LANGUAGES, THEMES):
                look = {"language": language, "theme": theme}
                with site.visit(browser, f"http://127.0.0.1:{server.port}", csp=False, **look) as context:
                    found += visit_all(context, f"http://127.0.0.1:{server.port}", addresses, out, look, world)
                print(f"{language} {theme}: {len(found)} findings so far", flush=True)
            browser.close()
    finally:
        server.terminate()
    summary = {
        "pages": len(addresses),
        "pictures": len(addresses) * len(LANGUAGES) * len(THEMES) * len(WIDTHS),
        "findings": len(found),
        "by_rule": Counter(str(line["what"]).split(":")[0] for line in found),
        "list": found,
    }
    (out / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1))
    print(json.dumps({key: summary[key] for key in ("pages", "pictures", "findings", "by_rule")}))
    return 1 if found else 0


def fill():
    """Demo members, and three of everything else, so that no page is empty."""
    from config.demo import people
    from config.engine.clock import now
    from tests.browser.site import PASSWORD
    from tests.suites.world import World

    at = now()
    people.populate(count=MEMBERS, at=at)
    world = World(3, at)
    world.admin.set_password(PASSWORD)
    world.admin.save(update_fields=["password"])
    return world


def pages(world) -> list[tuple[str, str]]:
    """Name and address of every page an admin's GET answers with a whole document."""
    from tests.conftest import signed_in_client
    from tests.suites.walk import console_routes

    client = signed_in_client(world.admin)
    client.raise_request_exception = False
    found = [("login", SIGN_IN)]
    for route in console_routes():
        address = route.address(world)
        response = client.get(address)
        if response.status_code >= 500:
            raise SystemExit(f"{address} answered {response.status_code}")
        if response.status_code == 200 and b"<html" in response.getvalue():
            found.append((re.sub(r"\W+", "-", route.full_name or route.pattern).strip("-"), address))
    return found


def visit_all(context, server: str, addresses, out: Path, look: dict[str, str], world) -> list[dict[str, str | int]]:
    """One language and theme: every page at every width; returns the findings."""
    from tests.browser import site

    found: list[dict[str, str | int]] = []
    errors: list[str] = []
    page = site.page_of(context, errors)
    for name, address in sorted(addresses, key=lambda pair: pair[1] != SIGN_IN):
        page.goto(server + address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            picture = f"{name}-{look['language'][:2]}-{look['theme']}-{width}.png"
            page.screenshot(path=out / picture, full_page=True)
            said = site.findings(page)
            if sideways := site.sideways_scroll(page):
                said.append(f"reflow: {sideways} px wider than the screen")
            for line in said:
                print(f"{address} {width}: {line}", flush=True)
            found += [{"page": address, "width": width, **look, "what": line, "picture": picture} for line in said]
        if address == SIGN_IN:
            site.sign_in(page, server, world.admin.username)
    return found + [{"page": "", "width": 0, **look, "what": f"console: {line}", "picture": ""} for line in errors]


if __name__ == "__main__":
    sys.exit(main())
