"""Partner codes at the door for programs: shown, claimed once, and refused with the reason."""

import pytest

from config.audit.models import AuditEntry
from entitlements.codes.operations import pools
from tests import factories
from tests.entitlements.usage.conftest import AT, DAY, call, id_of, secret

__all__ = ["call", "secret"]
pytestmark = pytest.mark.django_db


def make_pool(code, *codes, **values):
    fields = {"partner": "Lighthouse", "name": "Ticket", "name_zh": "电影票", "worth_cents": 4500} | values
    pool = pools.save_pool(actor=None, at=AT - DAY, code=code, **fields)
    pools.take_in(pool_id=pool.pk, codes=codes, actor=None, at=AT - DAY)
    return pool


@pytest.fixture
def member(db):
    return factories.make_member(at=AT - DAY, language="zh-hans")


@pytest.fixture
def codes(member):
    return f"/api/v1/members/{id_of(member)}/partner-codes"


def test_shown_claimed_and_the_same_when_asked_again(call, codes, member):
    make_pool("cinema", "SECRET-1", "SECRET-2")
    told = {
        "pool": "cinema", "partner": "Lighthouse", "name": "电影票", "worth_cents": 4500, "currency": "CNY",
        "is_open": True, "code": None,
        "claimed_at": None,
    }  # fmt: skip
    assert call("GET", codes).json() == {"pools": [told]}
    claimed = [call("POST", f"{codes}/cinema", at=AT + n * DAY) for n in range(2)]
    assert [answer.status_code for answer in claimed] == [200, 200]
    hers = told | {"code": "SECRET-1", "claimed_at": "2026-11-16T04:00:00Z"}
    assert [answer.json() for answer in claimed] == [hers, hers]
    assert call("GET", f"{codes}?language=en").json() == {"pools": [hers | {"name": "Ticket"}]}
    assert AuditEntry.objects.filter(action="code_pool.claimed", member_id=member.pk).count() == 1


def test_a_pool_that_hands_nothing_out_is_shown_to_whom_it_gave(call, codes, member):
    make_pool("empty")
    closed = make_pool("closed", "SECRET-3", "SECRET-4")
    pools.claim_code(pool_id=closed.pk, member_id=member.pk, actor=None, at=AT)
    pools.save_pool(actor=None, at=AT, pool_id=closed.pk, is_open=False)
    (shown,) = call("GET", codes).json()["pools"]
    assert (shown["pool"], shown["code"], shown["is_open"]) == ("closed", "SECRET-3", False)
    other = f"/api/v1/members/{id_of(factories.make_member(at=AT))}/partner-codes"
    assert call("GET", other).json() == {"pools": []}
    assert call("POST", f"{other}/closed").json()["code"] == "pool_closed"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/members/nobody/partner-codes/empty", 404, "unknown_member"),
        ("{codes}/nothing", 404, "unknown_pool"),
        ("{codes}/empty", 409, "pool_none_left"),
    ],
)
def test_refused_with_the_reason(call, codes, path, status, code):
    make_pool("empty")
    answer = call("POST", path.format(codes=codes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
