"""Grants, packs and compensations given by hand, their voiding, and uses taken back."""

from datetime import datetime, timedelta

import pytest

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from entitlements.benefits.models import Pack, PackBenefit
from entitlements.grants.models import Balance, Grant
from entitlements.grants.operations.giving import give_grant, give_pack, void_grant
from entitlements.usage.models import UsageRecord
from tests.entitlements.insight import Base

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def base(at: datetime) -> Base:
    return Base(at)


@pytest.fixture
def member(base: Base):
    return base.member()


@pytest.fixture
def pack(base: Base) -> Pack:
    pack = Pack.objects.create(code="light", name="Light pack", is_light=True, price_cents=600, days=30)
    PackBenefit.objects.create(pack=pack, benefit=base.downloads, amount=20)
    return pack


def _give(base: Base, member, **values) -> Grant:
    defaults = {"benefit": base.downloads, "amount": 5, "source": Grant.Source.MANUAL, "actor": None, "at": base.at}
    return give_grant(member_id=member.pk, **{**defaults, **values})


def _granted(base: Base, member) -> int | None:
    return Balance.objects.get(member=member, benefit=base.downloads).granted


def test_a_top_up_comes_on_top_at_once_and_is_audited(base: Base, member, operator) -> None:
    grant = _give(base, member, actor=operator, reason="Loyal")
    assert _granted(base, member) == 15
    entry = AuditEntry.objects.get(action="grant.given")
    assert (entry.actor, entry.member_id, entry.reason, entry.target_id) == (
        operator,
        member.pk,
        "Loyal",
        str(grant.pk),
    )


def test_what_is_archived_or_over_is_refused_and_changes_nothing(base: Base, member) -> None:
    with pytest.raises(Refused, match="over"):
        _give(base, member, expires_at=base.at)
    base.downloads.is_archived = True
    base.downloads.save()
    with pytest.raises(Refused, match="archived"):
        _give(base, member)
    assert not Grant.objects.given().exists()


def test_a_pack_lasts_its_days(base: Base, member, pack: Pack) -> None:
    (grant,) = give_pack(member_id=member.pk, pack=pack, actor=None, at=base.at)
    assert (grant.source, grant.source_id, grant.expires_at) == ("pack", pack.pk, base.at + 30 * DAY)
    assert _granted(base, member) == 30


def test_a_pack_no_longer_sold_is_refused(base: Base, member, pack: Pack) -> None:
    pack.is_sold = False
    with pytest.raises(Refused, match="not_sold"):
        give_pack(member_id=member.pk, pack=pack, actor=None, at=base.at)
    assert not Grant.objects.given().exists()


def test_a_voided_grant_is_over_once(base: Base, member) -> None:
    grant = _give(base, member)
    void_grant(grant_id=grant.pk, actor=None, at=base.at + DAY, reason="By mistake")
    assert _granted(base, member) == 10
    with pytest.raises(Refused, match="voided"):
        void_grant(grant_id=grant.pk, actor=None, at=base.at + DAY, reason="Again")


def test_what_the_ladder_gives_is_not_voided_by_hand(base: Base, member) -> None:
    grant = Grant.objects.get(member=member, benefit=base.downloads)
    with pytest.raises(Refused, match="by_engine"):
        void_grant(grant_id=grant.pk, actor=None, at=base.at, reason="")
    assert _granted(base, member) == 10


# The pages.


@pytest.fixture
def present(monkeypatch, at: datetime) -> None:
    """The console's clock stands at the tests' instant."""
    monkeypatch.setattr("config.engine.clock.now", lambda: at)


def test_giving_on_the_page(base: Base, member, client_as, present) -> None:
    address = f"/console/members/{member.pk}/benefits/give/"
    body = {"benefit": base.downloads.pk, "amount": "5", "source": "compensation", "reason": "Outage",
            "expires_on": "2026-11-20"}  # fmt: skip
    refused = client_as("operator").post(address, {**body, "expires_on": "2026-11-15"})
    assert refused.status_code == 422
    assert not Grant.objects.given().exists()
    assert client_as("operator").post(address, body).status_code == 302
    grant = Grant.objects.given().get()
    # The end of the day in Shanghai.
    assert (grant.source, grant.expires_at.isoformat()) == ("compensation", "2026-11-20T16:00:00+00:00")


def test_a_viewer_gives_voids_and_takes_back_nothing(base: Base, member, pack, client_as, present) -> None:
    grant = _give(base, member)
    base.use(member, base.downloads)
    used = UsageRecord.objects.get()
    viewer = client_as("viewer")
    for path in (f"members/{member.pk}/benefits/give/", f"members/{member.pk}/benefits/give-pack/",
                 f"benefits/grants/{grant.pk}/void/", f"benefits/usage/{used.pk}/reverse/"):  # fmt: skip
        assert viewer.post(f"/console/{path}", {"reason": "x", "pack": pack.pk}).status_code == 403
    assert Grant.objects.get(pk=grant.pk).voided_at is None
    assert Grant.objects.given().count() == UsageRecord.objects.count() == 1


def test_a_use_is_taken_back_after_asking(base: Base, member, client_as, present) -> None:
    base.use(member, base.downloads)
    address = f"/console/benefits/usage/{UsageRecord.objects.get().pk}/reverse/"
    operator = client_as("operator")
    assert "cannot be undone" in operator.get(address).content.decode()
    assert UsageRecord.objects.count() == 1
    assert operator.post(address, {"reason": "Did not work"}).status_code == 302
    assert Balance.objects.get(member=member, benefit=base.downloads).used == 0


def test_the_member_page_tells_what_she_has_saved_and_what_suits_her(base: Base, member, pack, client_as, present):
    base.use(member, base.downloads, times=3)
    page = client_as("operator").get(f"/console/members/{member.pk}/").content.decode()
    assert "3 / 10" in page
    assert "¥3" in page
    assert "granted by the term of 2026-11" in page
    assert "Light pack" in page


def test_a_voided_grant_says_when_it_ended_and_that_it_was_taken_back(base, member, client_as, monkeypatch) -> None:
    grant = _give(base, member, expires_at=base.at + 90 * DAY)
    void_grant(grant_id=grant.pk, actor=None, at=base.at + DAY, reason="By mistake")
    monkeypatch.setattr("config.engine.clock.now", lambda: base.at + 2 * DAY)
    page = client_as("operator").get(f"/console/members/{member.pk}/benefits/").content.decode()
    assert "Taken back by hand" in page
    assert "By hand<" not in page
    assert "2026-11-17 12:00" in page
    assert "2027-02-14" not in page


def test_the_timeline_tells_of_grants_by_hand_once(base: Base, member, client_as, present) -> None:
    _give(base, member, reason="Loyal")
    page = client_as("operator").get(f"/console/members/{member.pk}/?timeline=benefit").content.decode()
    assert "Downloads × 5" in page
    everything = client_as("operator").get(f"/console/members/{member.pk}/").content.decode()
    assert "Downloads × 5" in everything
    assert "Benefit given<" not in everything
