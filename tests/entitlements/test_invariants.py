"""Each invariant holds of what the operations make, and finds a row that is broken on purpose."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from entitlements.checks.console.pages import WORDS
from entitlements.checks.models import Offence
from entitlements.checks.operations.checking import check_invariants, find_offences
from entitlements.grants.models import Balance, Grant, Lot
from entitlements.grants.querysets.invariants import CHECKS
from tests.entitlements.memory.scene import Scene
from tests.entitlements.world import give, settle
from tests.members.world import moment

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    """A member with used allowances, carried amounts, a gift by hand, a return and what it restored."""
    scene = Scene()
    gb = scene.ladder.benefit("gb", kind="quota", is_hard_limit=False, rollover_max=5)
    scene.ladder.cell(scene.world.gold, gb, 10)
    scene.gb = gb
    scene.lapse()
    give(scene.member, scene.downloads, 3, moment(49))
    scene.buy(50, scene.world.month)
    scene.use(gb, 12, 51)
    scene.use(scene.downloads, 4, 51)
    scene.buy(60)
    settle(scene.member, moment(82))
    scene.use(gb, 2, 83)
    settle(scene.member, moment(84))
    return scene


def codes():
    return {finding.check.code for finding in find_offences()}


def run(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, params)
        assert cursor.rowcount, sql
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_all_of_them_hold(scene):
    assert codes() == set()
    assert {check.code for check in CHECKS} == set(WORDS)


def test_a_balance_that_says_more_than_its_grants(scene):
    run("UPDATE entitlements_balance SET granted = granted + 1 WHERE benefit_id = %s", scene.downloads.pk)
    assert codes() == {"balance_is_grants_less_uses"}


def test_access_without_a_grant(scene):
    run("UPDATE entitlements_balance SET is_open = NOT is_open WHERE benefit_id = %s", scene.cinema.pk)
    assert codes() == {"balance_is_grants_less_uses"}


def test_a_negative_balance(scene):
    run("ALTER TABLE entitlements_balance DROP CONSTRAINT balance_not_negative")
    run("UPDATE entitlements_balance SET used = granted + 1 WHERE benefit_id = %s", scene.voucher.pk)
    assert codes() == {"balance_not_negative", "used_is_lots"}


def test_a_use_that_lies_in_no_lot(scene):
    assert Balance.objects.get(benefit=scene.gb, member=scene.member).used == 2
    run("UPDATE entitlements_lot SET used = used - 1 WHERE benefit_id = %s AND used = 2", scene.gb.pk)
    assert codes() == {"used_is_lots"}


def test_a_lot_beyond_its_bucket(scene):
    run("UPDATE entitlements_lot SET used = 11 WHERE benefit_id = %s AND bucket = 0 AND closes_at < %s", scene.gb.pk,
        moment(82))  # fmt: skip
    assert codes() == {"lots_within_their_buckets"}


def test_a_lot_of_nothing(scene):
    Lot.objects.create(member=scene.member, benefit=scene.gb, bucket=10**9, opens_at=moment(0), used=1)
    assert codes() == {"lots_within_their_buckets"}


def test_terms_that_overlap(scene):
    run("ALTER TABLE members_membershipterm DROP CONSTRAINT term_no_overlap")
    run("UPDATE members_membershipterm SET ends_at = ends_at + interval '1 day' WHERE starts_at = %s", moment(50))
    assert "terms_do_not_overlap" in codes()


def test_a_grant_whose_term_was_closed(scene):
    term = scene.member.terms.latest("starts_at")
    run("UPDATE members_membershipterm SET closed_at = %s, close_reason = 'refund' WHERE id = %s", moment(83), term.pk)
    assert codes() == {"grants_have_a_source_or_an_end"}


def test_a_grant_without_a_source(scene):
    term = scene.member.terms.latest("starts_at")
    Grant.objects.create(
        member=scene.member, benefit=scene.voucher, source="free", source_id=0, amount=1, anchor_at=term.starts_at,
        effective_at=moment(83) + timedelta(days=2), created_at=moment(83),
    )  # fmt: skip
    assert codes() == {"grants_have_a_source_or_an_end"}


def test_two_grants_of_one_source(scene):
    run("DROP INDEX grant_once")
    grant = Grant.objects.filter(source="term", voided_at=None, benefit=scene.downloads).latest("pk")
    grant.pk = None
    grant.save(force_insert=True)
    assert codes() == {"one_live_grant_a_source"}


def test_the_command_tells_and_fails(scene, capsys):
    call_command("check_entitlements")
    assert capsys.readouterr().out == "Everything adds up.\n"
    run("UPDATE entitlements_balance SET granted = granted + 1 WHERE benefit_id = %s", scene.downloads.pk)
    with pytest.raises(SystemExit):
        call_command("check_entitlements", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert report["offences"]["balance_is_grants_less_uses"]["count"] == 1


def test_what_is_found_stands_on_the_first_page_until_it_holds(scene, viewer_client):
    run("UPDATE entitlements_balance SET granted = granted + 1 WHERE benefit_id = %s", scene.downloads.pk)
    assert check_invariants(at=moment(84)) == 1
    check_invariants(at=moment(85))
    offence = Offence.objects.get()
    assert (offence.found_at, offence.checked_at) == (moment(84), moment(85))
    assert "Balances say what their grants give" in viewer_client.get(reverse("console:home")).content.decode()
    page = viewer_client.get(reverse("checks:index")).content.decode()
    assert "Downloads" in page
    assert viewer_client.post(reverse("checks:run")).status_code == 403
    run("UPDATE entitlements_balance SET granted = granted - 1 WHERE benefit_id = %s", scene.downloads.pk)
    assert check_invariants(at=moment(86)) == 0
    assert not Offence.objects.exists()
