"""What a rule means, said a second time in plain Python over one person's facts. Knows nothing of the compiler."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.members.segments.population import PROJECT_ZONE, SEATS, Person
from tests.members.segments.wearers import ADVISER_BENEFIT

Leaf = dict[str, Any]

STAGES = {
    "prospect": "awareness", "trial": "conversion", "first_paid": "growth", "highly_active": "growth",
    "stable": "stable", "expiring": "churn", "expired": "churn", "churned": "churn",
}  # fmt: skip


def holds(node: Leaf, person: Person, at: datetime) -> bool:
    match node["kind"]:
        case "all":
            return all(holds(item, person, at) for item in node["items"])
        case "any":
            return any(holds(item, person, at) for item in node["items"])
        case "not":
            return not any(holds(item, person, at) for item in node["items"])
    return LEAVES[node["kind"]](node, person, at)


def zone_of(person: Person) -> ZoneInfo:
    return ZoneInfo(person.lifecycle.get("time_zone") or PROJECT_ZONE)


def span(spec: Leaf) -> timedelta:
    return timedelta(**{spec["unit"]: spec["amount"]})


def happened(when: Leaf, instant: datetime | None, person: Person, at: datetime) -> bool:
    if when["op"] == "unknown":
        return instant is None
    if instant is None:
        return False
    day = instant.astimezone(zone_of(person)).date()
    match when["op"]:
        case "known":
            return True
        case "on":
            return day == date.fromisoformat(when["date"])
        case "before":
            return day < date.fromisoformat(when["date"])
        case "on_or_after":
            return day >= date.fromisoformat(when["date"])
        case "within_last":
            return timedelta(0) <= at - instant <= span(when)
        case "more_than_ago":
            return at - instant > span(when)
        case "within_next":
            return timedelta(0) <= instant - at <= span(when)
    return instant - at > span(when)


def number_passes(test: Leaf, number: Any) -> bool:
    if number is None:
        return False
    number, value = Decimal(number), Decimal(str(test["value"]))
    match test["op"]:
        case "eq":
            return number == value
        case "lt":
            return number < value
        case "lte":
            return number <= value
        case "gt":
            return number > value
        case "gte":
            return number >= value
    return value <= number <= Decimal(str(test["until"]))


def written(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def values_of(raw: Any) -> list[str]:
    """The values of a property: those of a list, or the one there is; null is none."""
    values = raw if isinstance(raw, list) else [raw]
    return [text for value in values if (text := written(value)) is not None]


def value_passes(test: Leaf, raw: Any) -> bool:
    texts = values_of(raw)
    if test["type"] == "text" and test["op"] == "unknown":
        return not texts
    if test["type"] == "text" and test["op"] == "is_not":
        return not set(texts) & set(test["values"])
    return any(text_value_passes(test, text) for text in texts)


def text_value_passes(test: Leaf, text: str) -> bool:
    match test["type"]:
        case "text":
            return text_passes(test, text)
        case "number":
            is_number = re.fullmatch(r"[+-]?\d+(\.\d+)?", text)
            return number_passes(test, text if is_number else None)
        case "boolean":
            return text.lower() == ("true" if test["value"] else "false")
    return date_passes(test, text)


def text_passes(test: Leaf, text: str) -> bool:
    values = test.get("values", [])
    match test["op"]:
        case "is":
            return text in values
        case "known":
            return True
        case "contains":
            return any(value.upper() in text.upper() for value in values)
    return any(text.upper().startswith(value.upper()) for value in values)


def date_passes(test: Leaf, text: str) -> bool:
    if not re.match(r"\d{4}-\d\d-\d\d([T ]|$)", text):
        return False
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return False
    value = date.fromisoformat(test["value"])
    match test["op"]:
        case "on":
            return day == value
        case "before":
            return day < value
        case "on_or_after":
            return day >= value
    return value <= day <= date.fromisoformat(test["until"])


def one_of(leaf: Leaf, value: Any) -> bool:
    return (value in leaf["values"]) == (leaf.get("op", "is") == "is")


def cover(term: Leaf) -> tuple[datetime, datetime] | None:
    """The half-open interval in which the term gave cover, if any."""
    if term["voided_at"]:
        return None
    end = min(term["ends_at"], term["closed_at"] or term["ends_at"])
    return (term["starts_at"], end) if end > term["starts_at"] else None


def current_term(person: Person, at: datetime) -> Leaf | None:
    for term in person.terms:
        interval = cover(term)
        if interval and interval[0] <= at < interval[1]:
            return term
    return None


def renewals(person: Person, at: datetime) -> int:
    ends = {interval[1] for term in person.terms if term["kind"] != "trial" and (interval := cover(term))}
    return sum(
        term["kind"] == "paid" and not (term["voided_at"] or term["refunded_at"] or term["origin_id"])
        and term["starts_at"] <= at and term["starts_at"] in ends
        for term in person.terms
    )  # fmt: skip


def first_term(person: Person, at: datetime) -> datetime | None:
    begun = (term["starts_at"] for term in person.terms if not term["voided_at"] and term["starts_at"] <= at)
    return min(begun, default=None)


def steps(step: Leaf, person: Person, at: datetime) -> list[Leaf]:
    return [
        event
        for event in person.events
        if step["event"] in ("*", event["name"]) and event["occurred_at"] <= at
        and all(value_passes(f["test"], event["properties"].get(f["name"])) for f in step.get("where", []))
    ]  # fmt: skip


def in_window(events: list[Leaf], window: Leaf, person: Person, at: datetime) -> list[Leaf]:
    match window["op"]:
        case "within_last":
            return [e for e in events if e["occurred_at"] >= at - span(window)]
        case "between":
            start, end = (datetime.fromisoformat(window[name]) for name in ("start", "end"))
            return [e for e in events if start <= e["occurred_at"] < end]
        case "since_term":
            term = current_term(person, at)
            return [e for e in events if term and e["occurred_at"] >= term["starts_at"]]
    return events


def found(leaf: Leaf, person: Person, at: datetime) -> list[Leaf]:
    return in_window(steps(leaf, person, at), leaf.get("window", {"op": "ever"}), person, at)


def sequence(leaf: Leaf, person: Person, at: datetime) -> bool:
    firsts = in_window(steps(leaf["first"], person, at), leaf.get("window", {"op": "ever"}), person, at)
    return any(
        timedelta(0) < then["occurred_at"] - first["occurred_at"] <= span(leaf["within"])
        for first in firsts
        for then in steps(leaf["then"], person, at)
    )


def birthday_month(leaf: Leaf, person: Person, at: datetime) -> bool:
    months = leaf.get("months") or [at.astimezone(zone_of(person)).month]
    born = person.profile["birthday_on"]
    return born is not None and born.month in months


def was_in(leaf: Leaf, person: Person, at: datetime) -> bool:
    instant = datetime.fromisoformat(leaf["instant"])
    past = [move for move in person.transitions if move["effective_at"] <= instant]
    last = max(past, key=lambda move: (move["effective_at"], move["id"]), default=None)
    return last is not None and last["to_state"] in leaf["values"]


def entered(leaf: Leaf, person: Person, at: datetime) -> bool:
    return any(
        move["to_state"] in leaf["values"] and timedelta(0) <= at - move["effective_at"] <= span(leaf["within"])
        for move in person.transitions
    )


def of_profile(name: str) -> Callable[[Leaf, Person, datetime], bool]:
    return lambda leaf, person, at: one_of(leaf, person.profile[name])


def of_lifecycle(name: str) -> Callable[[Leaf, Person, datetime], bool]:
    return lambda leaf, person, at: one_of(leaf, person.lifecycle.get(name))


def when_of(name: str) -> Callable[[Leaf, Person, datetime], bool]:
    return lambda leaf, person, at: happened(leaf["when"], person.lifecycle.get(name), person, at)


def expires(leaf: Leaf, person: Person, at: datetime) -> bool:
    """A date asks for the last day, which is over at its midnight."""
    end = person.lifecycle.get("expiration_time")
    asks_for_day = leaf["when"]["op"] in ("on", "before", "on_or_after")
    return happened(leaf["when"], end - timedelta.resolution if end and asks_for_day else end, person, at)


def edge(pick: Any) -> Callable[[Leaf, Person, datetime], bool]:
    def passes(leaf: Leaf, person: Person, at: datetime) -> bool:
        instants = [event["occurred_at"] for event in found(leaf, person, at)]
        return happened(leaf["when"], pick(instants, default=None), person, at)

    return passes


def distinct_values(leaf: Leaf, person: Person, at: datetime) -> int:
    return len({text for event in found(leaf, person, at) for text in values_of(event["properties"].get(leaf["name"]))})


def ratio(leaf: Leaf, person: Person, at: datetime) -> Decimal:
    others = in_window(steps({"event": leaf["of"]}, person, at), leaf["window"], person, at)
    return Decimal(len(found(leaf, person, at))) * 100 / len(others) if others else Decimal(0)


def carried(leaf: Leaf, person: Person, at: datetime) -> bool:
    now = {carry["code"] for carry in person.carries if carry["until"] is None}
    return bool(now & set(leaf["values"])) == (leaf.get("op", "is") == "is")


def carried_within(leaf: Leaf, person: Person, at: datetime) -> bool:
    return any(
        carry["code"] in leaf["values"] and carry["since"] <= at
        and (carry["until"] is None or at - carry["until"] <= span(leaf["within"]))
        for carry in person.carries
    )  # fmt: skip


def effective_tier(person: Person, at: datetime) -> tuple[str | None, str | None]:
    """The code of the tier that counts, and through what."""
    bought, own = person.lifecycle.get("tier_position"), person.standing
    is_held = own.get("position") is not None and (own["until"] is None or own["until"] > at)
    if is_held and (bought is None or own["position"] > bought):
        return own["code"], own["via"]
    return person.lifecycle.get("tier_code"), None if bought is None else "plan"


def has_given_tier(person: Person, at: datetime) -> bool:
    return any(
        given["since"] <= at and given["ended_at"] is None and (given["until"] is None or given["until"] > at)
        for given in person.given
    )


def will_downgrade(leaf: Leaf, person: Person, at: datetime) -> bool:
    falls_at = person.standing.get("will_downgrade_at")
    return falls_at is not None and at <= falls_at <= at + span(leaf["within"])


def changed_tier(leaf: Leaf, person: Person, at: datetime) -> bool:
    return any(
        at - span(leaf["within"]) <= change["at"] <= at
        and leaf["direction"] in ("any", "up" if change["is_up"] else "down")
        for change in person.tier_changes
    )


def uses(leaf: Leaf, person: Person, at: datetime) -> list[Leaf]:
    own = [u for u in person.uses if u["code"] == leaf["benefit"] and u["outcome"] == "used" and u["occurred_at"] <= at]
    taken_back = {u["reverses_id"] for u in person.uses}
    return in_window([u for u in own if u["id"] not in taken_back], leaf["window"], person, at)


def balance(leaf: Leaf, person: Person) -> Leaf:
    return next((b for b in person.balances if b["code"] == leaf["benefit"] and b["is_open"]), {})


def left(leaf: Leaf, person: Person) -> int | None:
    found = balance(leaf, person)
    return found["granted"] - found["used"] if found and found["granted"] is not None else None


def usage_rate(leaf: Leaf, person: Person) -> Decimal | None:
    found = balance(leaf, person)
    return Decimal(found["used"]) * 100 / found["granted"] if found and found["granted"] else None


def at_limit(leaf: Leaf, person: Person) -> bool:
    return bool(balance(leaf, person).get("granted")) and left(leaf, person) == 0


def has_pack(leaf: Leaf, person: Person, at: datetime) -> bool:
    return any(
        grant["source"] == "pack" and grant["pack"] == leaf["pack"] and grant["effective_at"] <= at
        and not any(end and end <= at for end in (grant["expires_at"], grant["voided_at"]))
        for grant in person.grants
    )  # fmt: skip


def wears_honour(leaf: Leaf, person: Person, at: datetime) -> bool:
    worn = any(
        award["status"] == "given" and award["code"] in leaf["values"] and award["decided_at"] <= at
        and not (award["worn_until"] and award["worn_until"] <= at)
        and leaf["year"] in ("any", str(award["year"]))
        for award in person.awards
    )  # fmt: skip
    return worn == (leaf["op"] == "is")


def may_have_adviser(person: Person) -> bool:
    return any(b["code"] == ADVISER_BENEFIT and b["is_open"] for b in person.balances)


def adviser(person: Person) -> Leaf | None:
    """Who looks after her and is still here, while the album gives her that."""
    here = (a for a in person.advisers if a["ended_at"] is None and a["is_active"])
    return next(here, None) if may_have_adviser(person) else None


RFM = [
    None, "core", "develop", "keep", "rescue", "general_value", "general_develop", "general_keep", "general_rescue",
]  # fmt: skip


def band(score: int | None) -> str | None:
    if score is None:
        return None
    return "low" if score < 30 else "medium" if score < 60 else "high"


def of_value(name: str) -> Callable[[Leaf, Person, datetime], bool]:
    return lambda leaf, person, at: number_passes(leaf["test"], person.value.get(name))


def unused(coupon: Leaf, at: datetime) -> bool:
    return coupon["status"] == "issued" and coupon["expires_at"] > at


def of_coupons(counts: Callable[[Leaf, datetime], bool]) -> Callable[[Leaf, Person, datetime], bool]:
    def passes(leaf: Leaf, person: Person, at: datetime) -> bool:
        has = any(counts(coupon, at) and coupon["offer_code"] in leaf["values"] for coupon in person.coupons)
        return has == (leaf.get("op", "is") == "is")

    return passes


def seats_brought(person: Person, at: datetime) -> int:
    """What her running term brings, 0 without one, for a trial and for other plans."""
    term = current_term(person, at)
    return SEATS.get(term["plan_code"], 0) if term and term["kind"] != "trial" else 0


def seats_held(person: Person, at: datetime) -> float | None:
    """The share of her seats that is held, in percent."""
    brought = seats_brought(person, at)
    return 100 * person.seats_given / brought if brought else None


LEAVES: dict[str, Callable[[Leaf, Person, datetime], bool]] = {
    "benefit.has": lambda n, p, at: bool(balance(n, p)) is n["on"],
    "benefit.used": lambda n, p, at: bool(uses(n, p, at)) is (n["op"] == "used"),
    "benefit.rate": lambda n, p, at: number_passes(n["test"], usage_rate(n, p)),
    "benefit.remaining": lambda n, p, at: number_passes(n["test"], left(n, p)),
    "benefit.limit": lambda n, p, at: at_limit(n, p) is n["on"],
    "benefit.unlocked": lambda n, p, at: (n["benefit"] == "season" and bool(balance(n, p))) is n["on"],
    "benefit.grace": lambda n, p, at: (p.via == "grace") is n["on"],
    "benefit.pack": lambda n, p, at: has_pack(n, p, at) is n["on"],
    "value.rfm": lambda n, p, at: one_of(n, RFM[p.value.get("rfm_group") or 0]),
    "value.recency": of_value("recency_days"),
    "value.frequency": of_value("frequency"),
    "value.monetary": of_value("monetary_cents"),
    "value.risk": of_value("risk_score"),
    "value.risk_band": lambda n, p, at: one_of(n, band(p.value.get("risk_score"))),
    "value.mature": lambda n, p, at: p.value.get("is_mature") is n["on"],
    "value.maturity": of_value("maturity_score"),
    "profile.language": of_profile("language"),
    "profile.gender": of_profile("gender"),
    "profile.city": of_profile("city"),
    "profile.channel": of_profile("channel"),
    "profile.registered": lambda n, p, at: happened(n["when"], p.profile["registered_at"], p, at),
    "profile.birthday_month": birthday_month,
    "profile.attribute": lambda n, p, at: value_passes(n["test"], p.profile["attributes"].get(n["name"])),
    "lifecycle.state": of_lifecycle("lifecycle_state"),
    "lifecycle.stage": lambda n, p, at: one_of(n, STAGES.get(p.lifecycle.get("lifecycle_state"))),
    "lifecycle.entered": entered,
    "lifecycle.was": was_in,
    "lifecycle.since": when_of("state_since"),
    "lifecycle.last_active": when_of("last_active_time"),
    "membership.tier": of_lifecycle("tier_code"),
    "membership.status": of_lifecycle("membership_status"),
    "membership.plan": lambda n, p, at: one_of(n, (current_term(p, at) or {}).get("plan_code")),
    "membership.auto_renewal": lambda n, p, at: p.lifecycle.get("auto_renewal_flag") == n["on"],
    "membership.expires": expires,
    "membership.renewals": lambda n, p, at: number_passes(n["test"], renewals(p, at)),
    "membership.first_term": lambda n, p, at: happened(n["when"], first_term(p, at), p, at),
    "event.count": lambda n, p, at: number_passes(n["test"], len(found(n, p, at))),
    "event.sum": lambda n, p, at: number_passes(
        n["test"],
        sum(e["value_cents"] or 0 for e in found(n, p, at) if (e["currency"] or "CNY") == (n["currency"] or "CNY")),
    ),
    "event.days": lambda n, p, at: number_passes(
        n["test"], len({e["occurred_at"].astimezone(zone_of(p)).date() for e in found(n, p, at)})
    ),
    "event.never": lambda n, p, at: not found(n, p, at),
    "event.first": edge(min),
    "event.last": edge(max),
    "event.sequence": sequence,
    "event.values": lambda n, p, at: number_passes(n["test"], distinct_values(n, p, at)),
    "event.ratio": lambda n, p, at: number_passes(n["test"], ratio(n, p, at)),
    "tiers.effective": lambda n, p, at: one_of(n, effective_tier(p, at)[0]),
    "tiers.via": lambda n, p, at: one_of(n, effective_tier(p, at)[1]),
    "tiers.manual": lambda n, p, at: has_given_tier(p, at) is n["on"],
    "tiers.gap": lambda n, p, at: number_passes(n["test"], p.standing.get("gap")),
    "tiers.downgrade": will_downgrade,
    "tiers.changed": changed_tier,
    "memory.restored": lambda n, p, at: any(at - span(n["within"]) <= back <= at for back in p.restored_at),
    "honours.wears": wears_honour,
    "honours.adviser": lambda n, p, at: ((adviser(p) or {}).get("name") in n["values"]) == (n["op"] == "is"),
    "honours.has_adviser": lambda n, p, at: bool(adviser(p)) is n["on"],
    "honours.adviser_missing": lambda n, p, at: (may_have_adviser(p) and not adviser(p)) is n["on"],
    "tag.carried": carried,
    "tag.within": carried_within,
    "coupon.issued": of_coupons(lambda coupon, at: True),
    "coupon.redeemed": of_coupons(lambda coupon, at: coupon["status"] == "redeemed"),
    "coupon.unused": of_coupons(unused),
    "coupon.expiring": lambda n, p, at: any(
        unused(coupon, at) and coupon["expires_at"] - at <= span(n["within"]) for coupon in p.coupons
    ),
    "partner_code.claimed": lambda n, p, at: bool(p.pools & set(n["values"])) == (n.get("op", "is") == "is"),
    "seat.holds": lambda n, p, at: p.holds_seat is n["on"],
    "seat.free": lambda n, p, at: (p.seats_given < seats_brought(p, at)) is n["on"],
    "seat.share": lambda n, p, at: number_passes(n["test"], seats_held(p, at)),
    "segment.member": lambda n, p, at: (n["segment"] in p.segments) == (n.get("op", "is") == "is"),
}
