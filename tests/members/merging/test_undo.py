"""Merged and taken back, every row is as it was."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from members.events.models import Event
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import catch_up
from members.merging.operations.merging import follow, merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.models import Member
from members.segments.models import Segment
from members.terms.models import MembershipTerm
from tests.conftest import AT
from tests.members.merging.people import DAY, every_row, give_events, give_term, give_the_rest, make_person
from tests.members.remembering import assert_remembered_days_are_there

FIELDS = ("display_name", "city", "channel", "gender", "email", "phone", "external_id", "time_zone", "attributes.size")
words = st.sampled_from(["", "A", "B"])
person = st.fixed_dictionaries(
    {
        "profile": st.fixed_dictionaries(
            {
                "display_name": words, "city": words, "channel": words, "gender": st.sampled_from(["", "female"]),
                "time_zone": st.sampled_from(["", "Asia/Tokyo"]),
                "attributes": st.dictionaries(st.sampled_from(["size", "pet"]), st.integers(0, 2)),
                "registered_at": st.none() | st.integers(0, 9).map(lambda n: AT - n * DAY - timedelta(microseconds=7)),
            }
        ),
        "identities": st.sets(st.sampled_from(["external_id", "email", "phone"])),
        "terms": st.sets(st.integers(0, 5), max_size=2),
        "events": st.lists(st.integers(0, 40), max_size=12),
        "consents": st.lists(
            st.tuples(st.sampled_from(["email", "sms"]), st.booleans(), st.integers(0, 2)), unique_by=lambda c: c[0]
        ),
        "tags": st.lists(
            st.tuples(st.sampled_from(["returned", "gifted"]), st.integers(1, 3), st.booleans()),
            unique_by=lambda t: t[0],
        ),
        "stamps": st.lists(st.tuples(st.sampled_from(["city", "pet"]), st.integers(0, 2)), unique_by=lambda s: s[0]),
        "openids": st.integers(0, 2),
        "segments": st.sets(st.integers(0, 1)),
        "messages": st.lists(
            st.tuples(st.integers(-3, -1), st.sampled_from(["pending", "expired"])), unique_by=lambda m: m[0]
        ),
    }
)  # fmt: skip


def make(draw, number: int, slot: int, segments: list[Segment]) -> Member:
    """Her terms lie in stretches of time of her own, so that they overlap nobody's."""
    every = {"external_id": f"x{number}", "email": f"p{number}@example.com", "phone": f"1390000{number:04}"}
    chosen = {kind: every[kind] for kind in draw["identities"]}
    member = make_person(AT - 500 * DAY, number, identities=chosen, **draw["profile"])
    for n in sorted(draw["terms"]):
        give_term(member, AT - (400 - 70 * n - 33 * slot) * DAY)
    give_events(member, [AT - n * DAY - timedelta(minutes=slot) for n in draw["events"]]) if draw["events"] else None
    places = [segments[n].pk for n in draw["segments"]]
    give_the_rest(member, AT, {**draw, "segments": places})
    return member


@pytest.mark.django_db
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    one=person,
    other=person,
    choices=st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["survivor", "absorbed"])),
)
def test_every_row_is_as_it_was(one, other, choices):
    with transaction.atomic():
        segments = [Segment.objects.create(name=f"S{n}", kind="static", created_at=AT, updated_at=AT) for n in (0, 1)]
        a, b = make(one, 1, 0, segments), make(other, 2, 1, segments)
        for segment in segments:
            Segment.objects.filter(pk=segment.pk).update(size=segment.stays.count())
        MemberLifecycle.objects.all().mark_due(AT)
        catch_up(member_ids=[a.pk, b.pk], at=AT)
        follow([a.pk, b.pk], at=AT)
        before = every_row()
        record = merge_members(actor=None, at=AT, survivor_id=a.pk, absorbed_id=b.pk, choices=choices)
        assert before != every_row()
        assert_remembered_days_are_there()
        assert not Member.objects.filter(pk=b.pk).exists()
        assert not MemberLifecycle.objects.filter(pk=b.pk).exists()
        assert Event.objects.filter(member=b).count() == MembershipTerm.objects.filter(member=b).count() == 0
        undone = unmerge_members(actor=None, at=AT, record_id=record.pk)
        after = every_row()
        assert undone.kept == {"fields": [], "rows": {}}
        assert {table: [r for r in rows if r not in before[table]] for table, rows in after.items()} == {
            table: [] for table in after
        }
        assert before == after
        assert_remembered_days_are_there()
        transaction.set_rollback(True)
