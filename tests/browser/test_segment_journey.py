"""A segment built in the browser as a new user would: with the mouse alone, and again with the keyboard alone.

"Expires within 7 days, used at least 3 times and exported at least 3 times in 30 days, except who complained and who is
in another segment": the figure is read, five members are opened, and for one it is asked why she is in, for another why
not. Clicks, keys and seconds are counted and printed (``pytest -s``).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from playwright.sync_api import Locator, Page, expect
from segment.analytics.client import Client

from config.engine.clock import now
from config.staff.access import Role
from members.events.operations.keys import make_key
from members.people.models import Member
from members.segments.models import Segment, SegmentMembership
from members.segments.operations.refreshing import refresh_all, refresh_segment
from members.segments.operations.saving import save_segment
from members.segments.schema import read_rule
from tests import factories

DAY = timedelta(days=1)
# Milliseconds between keys of somebody who types fast.
PAUSE = 40
pytestmark = pytest.mark.timeout(600)


class Hand:
    """Whoever uses the page; every click and key is counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks, self.keys = page, 0, 0

    def click(self, target: Locator, **options) -> None:
        self.clicks += 1
        target.click(**options)

    def choose(self, target: Locator, label: str) -> None:
        """Open a list and click an entry; Chromium draws it outside the page."""
        self.clicks += 2
        target.select_option(label=label)
        self.settle()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.keys += 1
            self.page.keyboard.press(key, delay=PAUSE)

    def type(self, text: str) -> None:
        self.keys += len(text)
        self.page.keyboard.type(text, delay=PAUSE)

    def settle(self) -> None:
        """Until what was changed is counted: the page waits a fifth of a second for more."""
        self.page.wait_for_timeout(350)
        expect(self.page.locator(".htmx-request")).to_have_count(0)


@contextmanager
def counted(hand: Hand, what: str) -> Iterator[None]:
    clicks, keys, started = hand.clicks, hand.keys, time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    print(f"{what}: {hand.clicks - clicks} clicks, {hand.keys - keys} keys, {seconds:.1f} s")


@pytest.fixture
def crowd(transactional_db) -> SimpleNamespace:
    """Six who are meant; one exports too little, one complained, one is in the other segment, one expires late."""
    at = now()
    plan = factories.PlanFactory()
    tester = read_rule(
        {"version": 1, "root": {"kind": "all", "items": [{"kind": "profile.city", "values": ["Test city"]}]}}
    )

    def make(
        name: str, *, bought: int = 26, used: int = 3, exported: int = 3, city: str = "", complains=False
    ) -> Member:
        member = factories.make_member(at=at - 60 * DAY, display_name=name, city=city)
        factories.make_term(member=member, at=at - bought * DAY, plan=plan)
        for event, times in (("workout", used), ("export", exported), ("complaint", int(complains))):
            for n in range(times):
                factories.make_event(member=member, at=at - (n + 1) * DAY, name=event)
        return member

    meant = [make(f"Meant {n}") for n in range(6)]
    others = {
        "few": make("Exports little", exported=2), "cross": make("Complained", complains=True),
        "test": make("Colleague", city="Test city"), "late": make("Expires late", bought=2),
    }  # fmt: skip
    segment = save_segment(rule=tester, actor=None, at=at, name="Testers")
    refresh_segment(segment_id=segment.pk, at=at)
    return SimpleNamespace(meant=meant, **others)


def figure(page: Page) -> int:
    return int(page.locator("#figures .big").inner_text())


def test_with_the_mouse(live_server, open_page, staff, crowd, workers_at_once):
    page = open_page(staff(Role.OPERATOR))
    page.goto(f"{live_server.url}/console/segments/")
    hand = Hand(page)

    def add(block: str, label: str) -> Locator:
        box = page.locator(f"#{block}")
        hand.click(box.locator(":scope > .row-x > details > summary"))
        hand.click(box.locator(":scope > .row-x > details").get_by_role("button", name=label, exact=True))
        hand.settle()
        return box.locator(".rule").last

    def at_least(card: Locator, times: str) -> None:
        """The number is marked with a triple click and typed over."""
        number = card.locator("input[name$='test.value']")
        hand.click(number, click_count=3)
        hand.type(times)
        hand.settle()

    with counted(hand, "mouse, build and save"):
        hand.click(page.get_by_role("link", name="New segment").first)
        expires = add("c0", "Expires")
        hand.choose(expires.locator("select[name$='when.op']"), "within the next")
        for event in ("workout", "export"):
            card = add("c0", "Did something so often")
            hand.choose(card.locator("select[name$='.event']"), event)
            at_least(card, "3")
        hand.choose(add("c1", "Did something so often").locator("select[name$='.event']"), "complaint")
        add("c1", "Segment")
        assert figure(page) == len(crowd.meant), page.locator(".rule-h").all_inner_texts()
        # A name has to be written, whatever the hand.
        page.locator("#id_name").fill("By mouse")
        hand.click(page.get_by_role("button", name="Save segment"))
        expect(page.locator("h1")).to_contain_text("By mouse")
    with counted(hand, "mouse, open five members"):
        hand.click(page.locator("main a.big"))
        for n in range(5):
            hand.click(page.locator("#listing tbody th a, #listing td[data-col=member] a").nth(n))
            page.wait_for_url("**/console/members/*/")
            hand.clicks += 1
            page.go_back()
    segment = Segment.objects.get(name="By mouse")
    _asks_why(hand, live_server.url, segment, crowd)
    assert _inside(segment) == {member.pk for member in crowd.meant}


def test_with_the_keyboard(live_server, open_page, staff, crowd, workers_at_once):
    page = open_page(staff(Role.OPERATOR))
    page.goto(f"{live_server.url}/console/segments/new/")
    hand = Hand(page)

    def add(key: str, words: str) -> None:
        hand.settle()
        hand.press(key)
        hand.type(words)
        hand.press("Enter")
        hand.settle()
        expect(page.locator("#rule .rule select:focus")).to_have_count(1)

    with counted(hand, "keyboard, build and save"):
        add("Alt+n", "expires")
        hand.press("ArrowDown", "ArrowDown")
        for event in ("workout", "export"):
            add("Alt+n", "so often")
            hand.type(event[:2])
            hand.press("Tab", "Tab")
            hand.settle()
            hand.type("3")
        add("Alt+x", "so often")
        hand.type("com")
        add("Alt+x", "segment")
        assert figure(page) == len(crowd.meant), page.locator(".rule-h").all_inner_texts()
        hand.press("Alt+s")
        expect(page.locator("#id_name_error")).to_be_visible()
        expect(page.locator("#id_name:focus")).to_have_count(1)
        hand.type("By keys")
        hand.press("Alt+s")
        expect(page.locator("h1")).to_contain_text("By keys")
    assert hand.clicks == 0
    segment = Segment.objects.get(name="By keys")
    with counted(hand, "keyboard, open five members"):
        page.goto(f"{live_server.url}/console/members/?segment={segment.pk}")
        for _ in range(5):
            hand.press("j")
        expect(page.locator("[data-list] tbody tr").nth(4).locator("a:focus")).to_have_count(1)
        hand.press("Enter")
        page.wait_for_url("**/console/members/*/")
    _asks_why(hand, live_server.url, segment, crowd)
    assert _inside(segment) == {member.pk for member in crowd.meant}


def test_what_is_typed_while_the_count_is_on_its_way_stays(live_server, open_page, staff, crowd):
    page = open_page(staff(Role.OPERATOR))
    page.goto(f"{live_server.url}/console/segments/new/")
    hand = Hand(page)
    hand.press("Alt+n")
    hand.type("so often")
    hand.press("Enter")
    hand.settle()
    card = page.locator("#c0 .rule")
    times, days = card.locator("input[name$='test.value']"), card.locator("input[name$='.amount']")

    page.evaluate("""() => {
      const send = XMLHttpRequest.prototype.send;
      XMLHttpRequest.prototype.send = function (body) { setTimeout(() => send.call(this, body), 300); };
    }""")
    for field, number in ((times, "2"), (days, "14556")):
        field.click()
        hand.press("Control+a")
        # The answer to the first number comes while the second is being typed.
        page.keyboard.type(number, delay=200)
    expect(days).to_have_value("14556")
    with page.expect_response("**/segments/new/"):
        hand.press("Tab")
    hand.settle()
    expect(days).to_have_value("14556")
    assert "14556" in page.locator("input[name=draft]").input_value()


def test_the_keys_are_described_and_focus_follows(live_server, open_page, staff, crowd):
    page = open_page(staff(Role.OPERATOR))
    page.goto(f"{live_server.url}/console/segments/new/")
    hand = Hand(page)
    hand.press("?")
    expect(page.get_by_text("Add a condition: type, then")).to_be_visible()
    hand.press("Escape", "Alt+n")
    expect(page.locator("[data-pick-find]:focus")).to_have_count(1)
    hand.type("nothing is called so")
    expect(page.locator("#c0 .pick-none")).to_be_visible()
    hand.press("Escape", "Alt+n")
    page.locator(":focus").fill("city")
    hand.press("ArrowDown", "Enter")
    expect(page.locator("#c0-0 select:focus")).to_have_count(1)
    hand.press("Alt+n")
    hand.type("gender")
    hand.press("Enter")
    expect(page.locator("#c0-1 select:focus")).to_have_count(1)
    # An arrow keeps the keyboard at the condition it moves.
    page.locator("#c0-1 button[value='move 0.1 up']").focus()
    hand.press("Enter")
    expect(page.locator("#c0-0 :focus")).to_have_count(1)
    expect(page.locator("#c0-0 .rule-h b")).to_have_text("Gender")
    hand.press("Alt+z")
    expect(page.locator("#c0-1").get_by_text("Gender")).to_be_visible()


def test_a_step_right_after_a_change_keeps_both(live_server, open_page, staff, crowd):
    """The recount that a changed value asks for a moment later must not swallow the step."""
    page = open_page(staff(Role.OPERATOR))
    page.goto(f"{live_server.url}/console/segments/new/")
    hand = Hand(page)
    hand.press("Alt+n")
    hand.type("so often")
    hand.press("Enter")
    hand.settle()
    page.locator("input[name$='test.value']").fill("3")
    page.evaluate("document.querySelector(\"[name='do'][value='group 0']\").click()")
    hand.settle()
    expect(page.locator("#c0-1")).to_be_visible()
    expect(page.locator("#c0-0")).to_contain_text("at least 3 times")


def test_an_unmodified_client_moves_a_member_in(live_server, crowd):
    at = now()
    rule = {"kind": "all", "items": [
        {"kind": "membership.expires", "when": {"op": "within_next", "amount": 7, "unit": "days"}},
        {"kind": "event.count", "event": "export", "test": {"op": "gte", "value": 3},
         "window": {"op": "within_last", "amount": 30, "unit": "days"}},
    ]}  # fmt: skip
    segment = save_segment(rule=read_rule({"version": 1, "root": rule}), actor=None, at=at, name="Exports")
    refresh_segment(segment_id=segment.pk, at=at)
    assert crowd.few.pk not in _inside(segment)
    admin = factories.UserFactory(role=Role.ADMIN)
    source = factories.SourceFactory()
    _, secret = make_key(source_id=source.pk, label="App", scopes=["events"], actor=admin, at=at)
    client = Client(secret, host=live_server.url, max_retries=0)
    started = time.perf_counter()
    client.track(crowd.few.identities.get(kind="external_id").value, "export", {"rows": 10})
    client.shutdown()
    # The clock stands in tests; the next round of the beat comes later.
    refresh_all(at=at + timedelta(minutes=1))
    print(f"client to segment: {time.perf_counter() - started:.1f} s")
    assert crowd.few.pk in _inside(segment)


def _inside(segment: Segment) -> set[int]:
    return set(SegmentMembership.objects.current().filter(segment=segment).values_list("member_id", flat=True))


def _asks_why(hand: Hand, site: str, segment: Segment, crowd: SimpleNamespace) -> None:
    """On the segment's page: why one is in, and why another is not."""
    page = hand.page
    page.goto(f"{site}/console/segments/{segment.pk}/")
    with counted(hand, "ask why in and why not"):
        for member, answer, fact in ((crowd.meant[0], "is in", "Times: 3"), (crowd.few, "is not in", "Times: 2")):
            hand.press("Alt+p")
            hand.type(member.display_name)
            hand.press("Enter")
            check = page.locator("#check")
            expect(check.get_by_text(answer, exact=True)).to_be_visible()
            expect(check.get_by_text(fact).first).to_be_visible()
    failing = page.locator("#check .checks > li", has=page.locator(".i-bad")).all_inner_texts()
    assert any("export" in text for text in failing), failing
