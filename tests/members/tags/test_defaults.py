"""Each tag an installation begins with finds a member made for it and leaves out one who differs in one fact."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from members.events.models import EventDefinition
from members.events.operations.recording import record_events
from members.lifecycle.operations import sweep
from members.segments.schema import check_catalogues, leaves, read_rule
from members.tags import catalogue
from members.tags.generators import read_generator
from members.tags.models import Tag, TagVersion
from members.tags.operations.saving import save_tag
from members.terms.operations import terms
from tests import factories

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_serial = count(1)


def does(member, name, *days_ago, **properties):
    """The member does something so many days ago, once for each."""
    for days in days_ago:
        at = AT - days * DAY
        row = {"member_id": member.pk, "name": name, "occurred_at": at, "message_id": f"t{next(_serial)}"}
        record_events(rows=[{**row, "properties": properties}], source=factories.SourceFactory(), at=at)


def paid(starts_days_ago, *, registered=100, **values):
    """A member whose paid month began so many days ago, as the engine sees her now."""
    member = factories.make_member(at=AT - registered * DAY)
    factories.make_term(member=member, at=AT - starts_days_ago * DAY, **values)
    sweep.catch_up(member_ids=[member.pk], at=AT)
    return member


def looked_around():
    return factories.make_member(at=AT - 100 * DAY)


def in_trial():
    member = factories.make_member(at=AT - 3 * DAY)
    terms.start_trial(member_id=member.pk, plan=factories.PlanFactory(), at=AT - 2 * DAY, actor=None)
    sweep.catch_up(member_ids=[member.pk], at=AT)
    return member


def doing(make, *deeds):
    def made():
        member = make()
        for name, days, *properties in deeds:
            does(member, name, *days, **(properties[0] if properties else {}))
        return member

    return made


def renewing():
    return paid(20, auto_renewal=True)


def recent():
    return paid(5)


def old():
    return paid(20)


WEEKLY = range(1, 9)
CASES = {
    "in_trial": (in_trial, old),
    "full_member": (old, in_trial),
    "ending_soon": (lambda: paid(28), old),
    "lapsed": (lambda: paid(45), old),
    "tier_held": (lambda: paid(32), old),
    "high_frequency": (doing(old, ("login", WEEKLY)), doing(old, ("login", range(1, 8)), ("login", [1.1]))),
    "low_activity": (doing(old, ("login", [1, 2])), doing(old, ("login", [1, 2, 3]))),
    "high_redemption": (
        doing(old, ("coupon_claimed", [5, 6, 7]), ("coupon_used", [4, 5])),
        doing(old, ("coupon_claimed", [5, 6, 7, 8]), ("coupon_used", [4, 5])),
    ),
    "multi_device": (
        doing(old, ("login", [1], {"device": "ios"}), ("login", [2], {"device": "web"})),
        doing(old, ("login", [1, 2], {"device": "ios"})),
    ),
    "high_churn_risk": (doing(old, ("login", [16])), doing(old, ("login", [14]))),
    "value_not_seen": (in_trial, doing(in_trial, ("gate_viewed", [1]), ("benefit_viewed", [1]))),
    "benefit_not_activated": (doing(old, ("benefit_used", [25])), doing(old, ("benefit_used", [1]))),
    "lazy": (doing(old, ("task_started", [2])), doing(old, ("task_started", [2]), ("task_completed", [1]))),
    "hesitant": (
        doing(looked_around, ("plan_viewed", [1, 2, 3])),
        doing(looked_around, ("plan_viewed", [1, 2]), ("checkout_started", [2]), ("checkout_paid", [1])),
    ),
    "about_to_lapse": (old, renewing),
    "short_lapse": (lambda: paid(45), lambda: paid(95)),
    "by_task": (
        doing(old, ("task_completed", [20.5]), ("checkout_paid", [20])),
        doing(old, ("task_completed", [22]), ("checkout_paid", [20])),
    ),
    "by_content": (
        doing(old, ("content_viewed", [20.5]), ("checkout_paid", [20])),
        doing(old, ("content_viewed", [19]), ("checkout_paid", [20])),
    ),
    "by_feature": (doing(old, ("gate_viewed", [20.5]), ("checkout_paid", [20])), doing(old, ("checkout_paid", [20]))),
    "by_referral": (doing(old, ("referral", [20.5]), ("checkout_paid", [20])), doing(old, ("referral", [20.5]))),
}


@pytest.mark.parametrize("code", sorted(CASES))
def test_a_default_finds_its_member_and_no_other(code, carriers):
    hers, others = (make() for make in CASES[code])
    assert carriers(code, AT) == {hers.pk}, others


def test_coupons_claimed_and_unused_are_a_risk_too(carriers):
    unused = doing(recent, ("login", [1]), ("coupon_claimed", [3]))()
    doing(recent, ("login", [1]), ("coupon_claimed", [3]), ("coupon_used", [2]))()
    assert carriers("high_churn_risk", AT) == {unused.pk}


def test_a_checkout_left_unpaid_is_hesitation_too(carriers):
    left = doing(looked_around, ("checkout_started", [2]))()
    doing(looked_around, ("checkout_started", [2]), ("checkout_paid", [1]))()
    assert carriers("hesitant", AT) == {left.pk}


def test_every_default_is_a_row_with_a_version_and_a_rule_that_can_be_saved_again():
    rows = {tag.code: tag for tag in Tag.objects.all()}
    assert set(rows) == {default.code for default in catalogue.DEFAULTS}
    ruled = {code for code, tag in rows.items() if tag.upkeep == Tag.Upkeep.RULE}
    assert ruled == set(CASES)
    for tag in rows.values():
        assert tag.name_zh
        assert TagVersion.objects.filter(tag=tag).count() == (tag.upkeep != Tag.Upkeep.ENGINE)
        if tag.rule:
            check_catalogues(read_rule(tag.rule))
            save_tag(tag_id=tag.pk, rule=read_rule(tag.rule), name=tag.name, actor=None, at=AT)
        if tag.generator:
            save_tag(tag_id=tag.pk, generator=read_generator(tag.generator), name=tag.name, actor=None, at=AT)
    # Saved without a change they are as they were.
    assert {tag.code: tag.rule_version for tag in Tag.objects.all()} == {
        code: t.rule_version for code, t in rows.items()
    }


def test_every_motive_says_what_to_do():
    for tag in Tag.objects.filter(kind=Tag.Kind.MOTIVE):
        assert tag.action
        assert tag.action_zh


def test_the_events_that_defaults_read_are_in_the_catalogue_with_words():
    read = {
        leaf.event
        for tag in Tag.objects.exclude(rule=None)
        for _path, leaf in leaves(read_rule(tag.rule))
        if hasattr(leaf, "event")
    }
    named = {definition.name: definition for definition in EventDefinition.objects.filter(name__in=read)}
    assert set(named) == read
    assert all(definition.label and definition.label_zh for definition in named.values())


def test_a_risk_by_coupons_does_not_wait_for_logins(carriers):
    """Of two alternatives the one whose events are reported is judged."""
    unused = doing(old, ("coupon_claimed", [3]))()
    doing(old, ("coupon_claimed", [3]), ("coupon_used", [2]))()
    doing(old)()
    assert carriers("high_churn_risk", AT) == {unused.pk}


@pytest.mark.parametrize("code", ["low_activity", "high_churn_risk", "value_not_seen", "benefit_not_activated"])
def test_without_any_feed_nobody_is_called_inactive(code, carriers):
    old()
    in_trial()
    assert carriers(code, AT) == set()
