"""The builder: a draft becomes a rule and back, each step does what its button says, and nothing sent breaks it."""

import json
import re

import pytest
from django.http import QueryDict

from entitlements.tiers.conditions import Gap
from entitlements.tiers.models import QualificationPolicy
from members.events.models import EventDefinition
from members.segments.console.builder.draft import Draft, DraftBroken, new_condition
from members.segments.console.builder.page import Builder
from members.segments.console.builder.session import Session
from members.segments.limits import TooSlow
from members.segments.models import Segment
from members.segments.operations.refreshing import refresh_segment
from members.segments.operations.saving import save_segment
from members.segments.registry import CONDITIONS, code_of
from members.segments.schema import RuleInvalid, read_rule
from members.value.conditions import Monetary
from members.value.models import ValueSettings
from tests import factories

pytestmark = pytest.mark.django_db

CITY = {"kind": "profile.city", "op": "is", "values": ["Xi'an"]}
STATE = {"kind": "lifecycle.state", "op": "is", "values": ["expiring"]}


def draft(include=(), exclude=(), mode="all") -> Draft:
    return Draft({"kind": mode, "items": list(include)}, {"kind": "not", "items": list(exclude)})


@pytest.mark.parametrize("mode", ["all", "any"])
@pytest.mark.parametrize("include", [[], [CITY], [CITY, STATE], [{"kind": "any", "items": [CITY, STATE]}, CITY]])
@pytest.mark.parametrize("exclude", [[], [STATE], [STATE, {"kind": "all", "items": [CITY]}]])
def test_a_rule_and_its_draft_mean_the_same(mode, include, exclude):
    if not include and not exclude:
        return
    written = draft(include, exclude, mode).rule()
    read_rule(written)
    again = Draft.of_rule(written)
    assert again.rule() == written


def test_errors_stand_at_the_condition_they_are_about():
    empty = {**CITY, "values": []}
    for include, exclude, mode, path in [
        ([CITY, empty], [], "all", (0, 1)),
        ([CITY, empty], [STATE], "all", (0, 1)),
        ([CITY, empty], [STATE], "any", (0, 1)),
        ([CITY], [STATE, empty], "any", (1, 1)),
        ([CITY, STATE], [empty], "all", (1, 0)),
        ([], [empty], "all", (1, 0)),
    ]:
        found = draft(include, exclude, mode)
        with pytest.raises(RuleInvalid) as invalid:
            read_rule(found.rule())
        assert {found.place_of(error.path) for error in invalid.value.errors} == {path}


def test_steps_do_what_their_buttons_say():
    made = Draft()
    made.apply("add 0 profile.city")
    made.apply("add 0 lifecycle.state")
    made.apply("group 0")
    made.apply("add 0.2 profile.channel")
    assert [item["kind"] for item in made.include["items"]] == ["profile.city", "lifecycle.state", "any"]
    made.apply("move 0.1 up")
    made.apply("copy 0.0")
    assert [item["kind"] for item in made.include["items"]][:3] == ["lifecycle.state"] * 2 + ["profile.city"]
    made.apply("swap 0.0")
    assert [item["kind"] for item in made.exclude["items"]] == ["lifecycle.state"]
    made.apply("mode 0.2 all")
    made.apply("mode 0 any")
    made.apply("remove 0.2")
    made.apply("remove 1")
    assert made.include["kind"] == "any"
    assert len(made.include["items"]) == 2
    assert made.exclude["items"] == []


@pytest.mark.parametrize(
    "step", ["add 0 no.such", "remove 0.7", "mode 1 all", "mode 0 not", "burn 0", "add x y", "remove", "move 0 up"]
)
def test_a_step_no_button_makes_is_refused(step):
    with pytest.raises(DraftBroken):
        draft([CITY]).apply(step)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"include": 1, "exclude": 2}', '{"include": {"kind": "all"}, "exclude": {}}', "[" * 5000,
     json.dumps({"include": {"kind": "all", "items": [CITY] * 200}, "exclude": {"kind": "not", "items": []}})],
)  # fmt: skip
def test_a_draft_no_builder_made_is_refused(text):
    with pytest.raises(DraftBroken):
        Draft.of_text(text)


@pytest.mark.parametrize("condition", CONDITIONS.all(), ids=code_of)
def test_every_condition_can_be_added_and_read_back_from_its_form(condition, at):
    EventDefinition.objects.create(name="exported")
    added = new_condition(condition)
    found = draft([added])
    builder = Builder(found, at=at)
    card = builder.include.items[0]
    assert [field.name.rpartition(".")[2] for field in card.inputs] == [field.name for field in condition.fields]
    # What the form sends without a touch leaves the condition as it is.
    again = draft([dict(added)])
    again.fill(QueryDict(f"c0-0.kind={added['kind']}"))
    assert again.include["items"][0].keys() == added.keys()


def spent(value: str, currency: str, until: str = "") -> Draft:
    """A condition on the value of events as the form sends it."""
    sent = QueryDict(mutable=True)
    op = "between" if until else "gte"
    names = {"kind": "event.sum", "event": "paid", "currency": currency, "test.op": op, "test.value": value}
    names |= {"test.until": until, "where.rows": "0", "window.op": "ever"}
    sent.update({f"c0-0.{name}": part for name, part in names.items()})
    found = draft([{"kind": "event.sum"}])
    found.fill(sent)
    return found


@pytest.mark.parametrize(
    ("typed", "currency", "minor", "words"),
    [
        ("200", "CNY", "20000", "at least ¥200"),
        ("200.5", "CNY", "20050", "at least ¥200.50"),
        ("200", "JPY", "200", "at least JP¥200"),
        ("-1.234", "KWD", "-1234", "at least −KWD 1.234"),
        ("1,200", "", "120000", "at least ¥1,200"),
    ],
)
def test_amounts_are_typed_and_read_in_major_units_and_kept_in_minor_ones(typed, currency, minor, words, at):
    EventDefinition.objects.create(name="paid")
    found = spent(typed, currency)
    node = found.include["items"][0]
    assert node["test"] == {"type": "number", "op": "gte", "value": minor}
    assert read_rule(found.rule())
    card = Builder(found, at=at).include.items[0]
    assert words in card.sentence
    shown = {field.name: field for field in card.inputs}["c0-0.test"]
    assert (shown.value["value"], shown.currency) == (
        typed.replace(",", "").replace("200.5", "200.50"),
        currency or "CNY",
    )
    assert spent(shown.value["value"], currency).include == found.include


@pytest.mark.parametrize(
    ("typed", "currency", "why"),
    [
        ("1.5", "JPY", "JPY has no decimals."),
        ("1.005", "CNY", "CNY has 2 decimals at most."),
        ("x", "CNY", "Write an amount, like 268 or 268.50."),
        ("5,0", "CNY", "Write an amount, like 268 or 268.50."),
        ("1", "XYZ", "The amount cannot be read without its currency."),
    ],
)
def test_what_is_no_amount_stands_as_typed_with_its_error(typed, currency, why, at):
    EventDefinition.objects.create(name="paid")
    found = spent(typed, currency)
    builder = Builder(found, at=at)
    assert builder.rule is None
    shown = {field.name: field for field in builder.include.items[0].inputs}["c0-0.test"]
    assert shown.value["value"] == typed
    assert shown.errors == [why]
    with pytest.raises(RuleInvalid):
        read_rule(found.rule())


def test_the_bounds_of_a_range_are_amounts_both(operator_client, at):
    EventDefinition.objects.create(name="paid")
    found = spent("1.5", "CNY", until="200")
    assert found.include["items"][0]["test"] == {"type": "number", "op": "between", "value": "150", "until": "20000"}
    rule = {"version": 1, "root": {"kind": "all", "items": [found.include["items"][0]]}}
    page = operator_client.post("/console/segments/new/", form_of(rule)).content.decode()
    assert 'value="1.50"' in page
    assert "between ¥1.50 and ¥200" in page
    assert 'value="200"' in page


def test_spending_is_read_in_the_currency_of_the_scores_and_the_gap_in_that_of_the_policy(at):
    ValueSettings.objects.update(currency="JPY")
    found = draft([new_condition(Monetary), new_condition(Gap)])
    assert [node["test"]["value"] for node in found.include["items"]] == ["1", "1"]
    cards = Builder(found, at=at).include.items
    assert [card.sentence for card in cards] == [
        "Spent in the RFM window at least JP¥1", "Missing to the next tier at least JP¥1",
    ]  # fmt: skip
    QualificationPolicy.objects.update(gap_measure="active_days")
    assert Builder(found, at=at).include.items[1].sentence == "Missing to the next tier at least 1"


def test_undo_goes_back_step_by_step():
    def send(session: Session, do: str) -> Session:
        data = QueryDict(mutable=True)
        data.update({"draft": session.draft.as_text(), "undo": session.undo_text, "do": do})
        return Session.go_on(data)

    first = send(Session(Draft()), "add 0 profile.city")
    second = send(first, "add 1 lifecycle.state")
    back = send(second, "undo")
    assert back.draft.as_text() == first.draft.as_text()
    assert send(back, "undo").draft.is_empty


def form_of(rule: dict, **extra: str) -> dict[str, str]:
    return {"draft": Draft.of_rule(rule).as_text(), "undo": "[]", "base_version": "", **extra}


RULE = {"version": 1, "root": {"kind": "all", "items": [CITY]}}


def test_a_segment_is_built_saved_and_opened(operator_client, at):
    factories.make_member(at=at, city="Xi'an")
    counted = operator_client.post("/console/segments/new/", form_of(RULE), headers={"HX-Request": "true"})
    assert counted.status_code == 200
    figure = re.search(r'class="big" href="([^"]+)"[^>]*>1<', counted.content.decode())
    assert figure, "the count opens the members it counts"
    assert operator_client.get(figure[1]).context["listing"].members.count() == 1
    saved = operator_client.post("/console/segments/new/", form_of(RULE, do="save", name="From Xi'an"))
    segment = Segment.objects.get()
    assert saved["Location"] == f"/console/segments/{segment.pk}/"
    page = operator_client.get(saved["Location"]).content.decode()
    assert "City is Xi&#x27;an" in page


def test_how_many_comes_at_once_and_the_rest_when_the_page_asks(operator_client, at):
    rule = {"version": 1, "root": {"kind": "all", "items": [CITY, {"kind": "profile.gender", "values": ["female"]}]}}
    factories.make_member(at=at, city="Xi'an", gender="female")
    factories.make_member(at=at, city="Xi'an")

    def page(step: str, *, htmx: bool = True) -> str:
        headers = {"HX-Request": "true"} if htmx else {}
        return operator_client.post("/console/segments/new/", form_of(rule, do=step), headers=headers).content.decode()

    first, rest, whole = page(""), page("detail"), page("", htmx=False)
    assert ">1</a> member" in first
    assert "can be reached" not in first
    assert "How it narrows" not in first
    assert 'hx-trigger="load"' in first
    for found in (rest, whole):
        assert "1 can be reached through at least one channel" in found
        assert "How it narrows" in found
        assert 'hx-trigger="load"' not in found
    assert 'id="rule"' not in rest


def test_what_takes_too_long_by_channel_is_said_beside_the_count(operator_client, at, monkeypatch):
    factories.make_member(at=at, city="Xi'an")

    def slow(*args, **kwargs):
        raise TooSlow

    monkeypatch.setattr("members.segments.console.builder.page.detail", slow)
    page = operator_client.post("/console/segments/new/", form_of(RULE)).content.decode()
    assert ">1</a> member" in page
    assert "Counting by channel takes too long." in page


def test_an_incomplete_rule_is_not_saved(operator_client):
    rule = {"version": 1, "root": {"kind": "all", "items": [{**CITY, "values": []}]}}
    answer = operator_client.post("/console/segments/new/", form_of(rule, do="save", name="Half"))
    assert answer.status_code == 422
    assert "Complete the marked conditions." in answer.content.decode()
    assert not Segment.objects.exists()


def test_what_somebody_saved_meanwhile_is_not_overwritten(operator_client, operator, at):
    segment = save_segment(rule=read_rule(RULE), actor=operator, at=at, name="Ours")
    other = {"version": 1, "root": {"kind": "all", "items": [STATE]}}
    save_segment(rule=read_rule(other), actor=operator, at=at, name="Ours", segment_id=segment.pk)
    sent = form_of(RULE, do="save", name="Ours", base_version="1")
    answer = operator_client.post(f"/console/segments/{segment.pk}/edit/", sent)
    assert answer.status_code == 422
    assert "Somebody else saved this segment meanwhile" in answer.content.decode()
    assert Segment.objects.get().rule["root"]["items"][0]["kind"] == "lifecycle.state"


def test_who_may_only_look_cannot_build(viewer_client, operator, at):
    segment = save_segment(rule=read_rule(RULE), actor=operator, at=at, name="Ours")
    for address in ("new/", f"{segment.pk}/edit/", f"{segment.pk}/archive/", f"{segment.pk}/freeze/"):
        assert viewer_client.post(f"/console/segments/{address}", form_of(RULE, do="save")).status_code == 403
    assert Segment.objects.get().rule_version == 1
    assert viewer_client.get(f"/console/segments/{segment.pk}/").status_code == 200


def test_one_member_is_explained(viewer_client, operator, at):
    segment = save_segment(rule=read_rule(RULE), actor=operator, at=at, name="Ours")
    member = factories.make_member(at=at, city="Lhasa")
    answer = viewer_client.post(f"/console/segments/{segment.pk}/", {"who": str(member.pk)}).content.decode()
    assert "is not in" in answer
    assert "City: Lhasa" in answer


def test_archiving_and_freezing(operator_client, operator, at):
    factories.make_member(at=at, city="Xi'an")
    segment = save_segment(rule=read_rule(RULE), actor=operator, at=at, name="Ours")
    kept = operator_client.post(f"/console/segments/{segment.pk}/freeze/", {"name": "Kept"})
    assert kept.status_code == 302
    assert Segment.objects.get(name="Kept").size == 1
    assert operator_client.post(f"/console/segments/{segment.pk}/archive/", {}).status_code == 302
    assert [s.name for s in Segment.objects.live()] == ["Kept"]


def test_a_copied_condition_is_pasted_in_any_builder(operator_client):
    kept = operator_client.post(
        "/console/segments/new/", form_of(RULE) | {"do": "keep 0.0"}, headers={"HX-Request": "true"}
    )
    assert "Paste “City”" in kept.content.decode()
    page = operator_client.get("/console/segments/new/").content.decode()
    assert page.count("Paste “City”") == 2
    empty = {"draft": Draft().as_text(), "undo": "[]", "do": "paste 1"}
    pasted = operator_client.post("/console/segments/new/", empty, headers={"HX-Request": "true"})
    assert pasted.context["session"].draft.exclude["items"] == [CITY]
    assert 'data-focus="c1-0"' in pasted.content.decode()


@pytest.mark.parametrize("step", ["keep", "keep 9", "keep 0.9", "keep x", "paste", "paste 9", "paste 0"])
def test_copying_what_is_not_there_is_refused(operator_client, step):
    empty = {"draft": Draft().as_text(), "undo": "[]", "do": step}
    assert operator_client.post("/console/segments/new/", empty).status_code == 400


def test_a_step_says_where_what_it_made_lies():
    made = draft(include=[CITY, STATE])
    assert made.apply("add 0 profile.city") == (0, 2)
    assert made.apply("move 0.2 up") == (0, 1)
    assert made.apply("move 0.0 up") == (0, 0)
    assert made.apply("copy 0.0") == (0, 1)
    assert made.apply("swap 0.0") == (1, 0)
    assert made.apply("remove 1.0") is None


def test_the_schema_is_a_file_and_a_piece_of_the_builder(operator_client):
    address = "/console/segments/rule-schema/"
    whole = operator_client.get(address)
    assert "attachment" in whole["Content-Disposition"]
    assert "event.count" in json.dumps(json.loads(whole.content))
    assert operator_client.get(address, headers={"HX-Request": "true"}).content.decode().startswith("<pre")


def test_a_change_of_a_segment_in_live_use_is_reviewed_first(operator_client, at):
    stays, enters = factories.make_member(at=at, city="Xi'an"), factories.make_member(at=at, city="Lhasa")
    inner = save_segment(rule=read_rule(RULE), name="Inner", actor=None, at=at)
    refresh_segment(segment_id=inner.pk, at=at)
    address = f"/console/segments/{inner.pk}/edit/"
    lhasa = {"version": 1, "root": {"kind": "all", "items": [{**CITY, "values": ["Lhasa"]}]}}
    change = form_of(lhasa) | {"name": "Inner", "do": "save", "base_version": "1"}
    names = {"version": 1, "root": {"kind": "all", "items": [{"kind": "segment.member", "segment": inner.pk}]}}
    save_segment(rule=read_rule(names), name="Outer", actor=None, at=at)

    asked = operator_client.post(address, change, headers={"HX-Request": "true"})
    review = asked.context["review"]
    assert asked["HX-Retarget"] == "#builder"
    assert (review.preview.entering, review.preview.leaving) == (1, 1)
    for name, member in (("entering_href", enters), ("leaving_href", stays)):
        listing = operator_client.get(asked.context[name]).context["listing"]
        assert [row.pk for row in listing.rows] == [member.pk]
    inner.refresh_from_db()
    assert inner.rule_version == 1, "nothing is saved before it is confirmed"

    # A confirmation holds for the rule it was given for.
    other = form_of(RULE | {"root": {"kind": "all", "items": [STATE]}}) | {"name": "Inner", "do": "save"}
    again = operator_client.post(address, other | {"reviewed": review.digest})
    assert again.context["review"].is_needed
    # Another name alone moves nobody.
    assert operator_client.post(address, form_of(RULE) | {"name": "Renamed", "do": "save"}).status_code == 302
    saved = operator_client.post(address, change | {"reviewed": review.digest})
    assert saved.status_code == 302
    inner.refresh_from_db()
    assert inner.rule_version == 2


def test_what_nothing_live_uses_is_saved_directly(operator_client, at):
    segment = save_segment(rule=read_rule(RULE), name="Alone", actor=None, at=at)
    change = form_of(RULE | {"root": {"kind": "all", "items": [STATE]}}) | {"name": "Alone", "do": "save"}
    assert operator_client.post(f"/console/segments/{segment.pk}/edit/", change).status_code == 302
