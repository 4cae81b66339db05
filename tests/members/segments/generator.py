"""Random rules as JSON, out of every registered condition. A new condition needs a line here, and one in evaluator."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from members.lifecycle.lifecycle import MembershipStatus, Stage, State
from members.value.groups import Group
from tests.members.segments.population import (
    AT,
    BENEFITS,
    CITIES,
    DAYS,
    EVENTS,
    OFFERS,
    PACKS,
    PLANS,
    POOLS,
    SPANS,
    TAGS,
    TEXTS,
    TIERS,
)
from tests.members.segments.wearers import ADVISERS, HONOURS

JSON = dict[str, Any]

IS = st.sampled_from(["is", "is_not"])
SPAN = st.sampled_from(SPANS).map(lambda pair: {"amount": pair[0], "unit": pair[1]})
DAY = st.sampled_from(DAYS).map(lambda day: day.isoformat())
INSTANT = st.sampled_from(SPANS).map(lambda pair: (AT - timedelta(**{pair[1]: pair[0]})).isoformat())
NUMBER = st.sampled_from([-100, 0, 1, 2, 2.5, 3, 100, 250])
COUNT = st.sampled_from([1, 0, 2, 3, 4, -1])


def some(values: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from([value for value in values if value != ""]), min_size=1, max_size=3, unique=True)


def record(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[JSON]:
    return st.fixed_dictionaries(parts)


def merged(op: str, body: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    return body.map(lambda found: {"op": op, **found})


def between(values: st.SearchStrategy[Any]) -> st.SearchStrategy[JSON]:
    ordered = st.tuples(values, values).map(sorted)
    return ordered.map(lambda pair: {"op": "between", "value": pair[0], "until": pair[1]})


def typed(name: str, body: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    return body.map(lambda found: {"type": name, **found})


NUMBER_TEST = record(op=st.sampled_from(["eq", "lt", "lte", "gt", "gte"]), value=NUMBER) | between(NUMBER)
COUNT_TEST = record(op=st.sampled_from(["gte", "eq", "lt", "lte", "gt"]), value=COUNT) | between(COUNT)
PERCENT = st.sampled_from([0, 25, 50, 100, 150, -1])
PERCENT_TEST = record(op=st.sampled_from(["gte", "eq", "lt", "lte", "gt"]), value=PERCENT) | between(PERCENT)
TEXT_TEST = record(
    op=st.sampled_from(["is", "is_not", "contains", "starts_with"]), values=some([*TEXTS, "RED", "e", "3", "true"])
) | record(op=st.sampled_from(["known", "unknown"]))
DATE_TEST = record(op=st.sampled_from(["on", "before", "on_or_after"]), value=DAY) | between(DAY)
VALUE_TEST = (
    typed("number", NUMBER_TEST)
    | typed("text", TEXT_TEST)
    | typed("date", DATE_TEST)
    | typed("boolean", record(value=st.booleans()))
)
# Mostly the type a property has, sometimes another.
FILTER = (
    record(name=st.just("number"), test=typed("number", NUMBER_TEST))
    | record(name=st.just("text"), test=typed("text", TEXT_TEST))
    | record(name=st.just("date"), test=typed("date", DATE_TEST))
    | record(name=st.just("flag"), test=typed("boolean", record(value=st.booleans())))
    | record(name=st.sampled_from(["number", "text", "date", "flag", "missing"]), test=VALUE_TEST)
)
WHEN = (
    st.tuples(st.sampled_from(["within_last", "more_than_ago", "within_next", "more_than_ahead"]), SPAN).map(
        lambda pair: {"op": pair[0], **pair[1]}
    )
    | record(op=st.sampled_from(["on", "before", "on_or_after"]), date=DAY)
    | record(op=st.sampled_from(["known", "unknown"]))
)
WINDOW = (
    st.just({"op": "ever"})
    | merged("within_last", SPAN)
    | st.tuples(INSTANT, INSTANT)
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: {"op": "between", "start": min(pair), "end": max(pair)})
    | st.just({"op": "since_term"})
)
STEP = {"event": st.sampled_from([*EVENTS, "*", "unheard"]), "where": st.just([]) | st.lists(FILTER, max_size=2)}
EVENT = {**STEP, "window": WINDOW}
BENEFIT = {"benefit": st.sampled_from([*BENEFITS, "unheard"])}
ON_BENEFIT = {**BENEFIT, "on": st.booleans()}
STATES = {"values": some(State.values)}


def leaf_strategies(segment_ids: list[int]) -> dict[str, st.SearchStrategy[JSON]]:
    """One strategy for each kind of condition."""
    return {
        kind: record(kind=st.just(kind), **parts)
        for kind, parts in {
            "profile.language": {"op": IS, "values": some(["zh", "en", "fr"])},
            "profile.gender": {"op": IS, "values": some(["female", "male", "other"])},
            "profile.city": {"op": IS, "values": some([*CITIES, "nowhere"])},
            "profile.channel": {"op": IS, "values": some(["ads", "shop"])},
            "profile.registered": {"when": WHEN},
            "profile.birthday_month": {"months": st.just([]) | st.lists(st.integers(1, 12), max_size=3)},
            "profile.attribute": {"name": st.sampled_from(["number", "text", "date", "flag"]), "test": VALUE_TEST},
            "lifecycle.state": {"op": IS, **STATES},
            "lifecycle.stage": {"op": IS, "values": some(Stage.values)},
            "lifecycle.entered": {**STATES, "within": SPAN},
            "lifecycle.was": {**STATES, "instant": INSTANT},
            "lifecycle.since": {"when": WHEN},
            "lifecycle.last_active": {"when": WHEN},
            "membership.tier": {"op": IS, "values": some([*TIERS, "none"])},
            "membership.status": {"op": IS, "values": some(MembershipStatus.values)},
            "membership.plan": {"op": IS, "values": some(PLANS)},
            "membership.auto_renewal": {"on": st.booleans()},
            "membership.expires": {"when": WHEN},
            "membership.renewals": {"test": COUNT_TEST},
            "membership.first_term": {"when": WHEN},
            "event.count": {**EVENT, "test": COUNT_TEST},
            "event.sum": {**EVENT, "currency": st.sampled_from(["", "CNY", "JPY"]), "test": NUMBER_TEST},
            "event.days": {**EVENT, "test": COUNT_TEST},
            "event.never": EVENT,
            "event.first": {**EVENT, "when": WHEN},
            "event.last": {**EVENT, "when": WHEN},
            "event.sequence": {"first": record(**STEP), "then": record(**STEP), "within": SPAN, "window": WINDOW},
            "event.values": {
                **EVENT,
                "name": st.sampled_from(["text", "number", "flag", "missing"]),
                "test": COUNT_TEST,
            },
            "event.ratio": {**EVENT, "of": st.sampled_from([*EVENTS, "*", "unheard"]), "test": PERCENT_TEST},
            "tag.within": {"values": some(TAGS), "within": SPAN},
            "tag.carried": {"op": IS, "values": some(TAGS)},
            "value.rfm": {"op": IS, "values": some([group.name.lower() for group in Group])},
            "value.recency": {"test": COUNT_TEST},
            "value.frequency": {"test": NUMBER_TEST},
            "value.monetary": {"test": NUMBER_TEST},
            "value.risk": {"test": record(op=st.sampled_from(["gte", "lt"]), value=st.sampled_from([2, 30, 59, 100]))},
            "value.risk_band": {"op": IS, "values": some(["low", "medium", "high"])},
            "value.mature": {"on": st.booleans()},
            "value.maturity": {"test": NUMBER_TEST},
            "tiers.effective": {"op": IS, "values": some([*TIERS, "none"])},
            "tiers.via": {"op": IS, "values": some(["plan", "qualified", "manual"])},
            "tiers.manual": {"on": st.booleans()},
            "tiers.gap": {"test": NUMBER_TEST},
            "tiers.downgrade": {"within": SPAN},
            "tiers.changed": {"direction": st.sampled_from(["any", "up", "down"]), "within": SPAN},
            "memory.restored": {"within": SPAN},
            "honours.wears": {
                "op": IS,
                "values": some([*HONOURS, "unheard"]),
                "year": st.sampled_from(["any", "2024", "2025"]),
            },
            "honours.adviser": {"op": IS, "values": some(ADVISERS)},
            "honours.has_adviser": {"on": st.booleans()},
            "honours.adviser_missing": {"on": st.booleans()},
            "coupon.issued": {"op": IS, "values": some(OFFERS)},
            "coupon.redeemed": {"op": IS, "values": some(OFFERS)},
            "coupon.unused": {"op": IS, "values": some(OFFERS)},
            "coupon.expiring": {"within": SPAN},
            "partner_code.claimed": {"op": IS, "values": some(POOLS)},
            "benefit.has": ON_BENEFIT,
            "benefit.used": {**BENEFIT, "op": st.sampled_from(["used", "never"]), "window": WINDOW},
            "benefit.rate": {**BENEFIT, "test": PERCENT_TEST},
            "benefit.remaining": {**BENEFIT, "test": COUNT_TEST},
            "benefit.limit": ON_BENEFIT,
            "benefit.unlocked": ON_BENEFIT,
            "benefit.grace": {"on": st.booleans()},
            "benefit.pack": {"pack": st.sampled_from([*PACKS, "unheard"]), "on": st.booleans()},
            "seat.holds": {"on": st.booleans()},
            "seat.free": {"on": st.booleans()},
            "seat.share": {"test": PERCENT_TEST},
            "segment.member": {"op": IS, "segment": st.sampled_from(segment_ids)},
        }.items()
    }


def rules(segment_ids: list[int]) -> st.SearchStrategy[JSON]:
    """Whole rules: groups in groups over every kind of condition."""
    leaf = st.one_of(*leaf_strategies(segment_ids).values())
    kinds = st.sampled_from(["all", "any", "not"])
    node = st.recursive(
        leaf, lambda inner: record(kind=kinds, items=st.lists(inner, min_size=1, max_size=3)), max_leaves=6
    )
    return record(version=st.just(1), root=record(kind=kinds, items=st.lists(node, min_size=1, max_size=3)))
