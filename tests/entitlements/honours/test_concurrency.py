"""Many at once: a list is given once, nobody gets two advisers."""

import pytest

from entitlements.grants.models import Grant
from entitlements.honours.models import AdviserAssignment
from entitlements.honours.operations import running
from entitlements.honours.operations.advising import assign_adviser
from tests.entitlements.honours.conftest import NOW, counted, make_honour, spread
from tests.entitlements.offers.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_list_is_given_once_however_many_confirm(shop, frame):
    for cents in (900, 700):
        shop.member(cents)
    run = counted(make_honour(benefit=frame))
    work = [lambda: running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=None, at=NOW)] * 6
    assert at_once(work) == {"done": 1, "decided": 5}
    assert Grant.objects.filter(source="honour").count() == 2


def test_a_year_has_one_list_however_many_begin(db):
    honour = make_honour()
    work = [lambda: running.begin_run(honour_id=honour.pk, year=2025, actor=None, at=NOW)] * 6
    assert at_once(work) == {"done": 1, "live_run": 5}


def test_nobody_gets_two_advisers(entitled, colleagues):
    members = entitled(9)
    work = [lambda: spread(colleagues)] * 4
    work += [
        lambda m=member: assign_adviser(member_id=m.pk, adviser_id=colleagues[0].pk, actor=None, at=NOW)
        for member in members[:3]
    ]
    assert at_once(work) == {"done": 7}
    current = AdviserAssignment.objects.current()
    assert current.count() == 9 == current.values("member").distinct().count()
