"""What a member wears follows from her grants in force, and programs are told it in her language."""

import pytest
import time_machine
from django.test import Client

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from entitlements.benefits.models import Benefit
from entitlements.grants.models import Grant
from entitlements.grants.operations.giving import give_grant, void_grant
from entitlements.honours.console.portrait import MemberHonours, read_marks
from entitlements.honours.models import Adornment
from entitlements.honours.operations import adorning
from entitlements.honours.rules import minutes_of
from members.events.operations.keys import make_key
from tests import factories
from tests.entitlements.honours.conftest import DAY, NOW, adorned, given, make_honour
from tests.entitlements.making import grant, make_benefit

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(db):
    return factories.make_member(at=NOW - DAY, language="zh-hans")


def wear(member, benefit, **values) -> Grant:
    return give_grant(member_id=member.pk, benefit=benefit, amount=None, source="manual", actor=None, at=NOW, **values)


def test_the_most_prominent_frame_is_worn_until_its_grant_ends(member):
    plain, proud = adorned("frame"), adorned("frame")
    adorning.adorn_benefit(benefit_id=proud.pk, actor=None, at=NOW, form="frame", style="gold", prominence=9)
    wear(member, plain)
    kept = wear(member, proud)
    assert MemberHonours(member.pk, NOW).frame.benefit_id == proud.pk
    assert read_marks(member.pk, NOW).frame == "gold"
    void_grant(grant_id=kept.pk, actor=None, at=NOW + DAY, reason="R")
    assert MemberHonours(member.pk, NOW + DAY).frame.benefit_id == plain.pk


def test_what_is_archived_or_shows_nothing_any_more_is_not_worn(member, operator):
    badge, title = adorned("badge"), adorned("title")
    wear(member, badge)
    wear(member, title)
    assert len(read_marks(member.pk, NOW).chips) == 2
    Benefit.objects.filter(pk=badge.pk).update(is_archived=True)
    assert adorning.strip_benefit(benefit_id=title.pk, actor=operator, at=NOW)
    assert MemberHonours(member.pk, NOW).is_empty
    assert not adorning.strip_benefit(benefit_id=title.pk, actor=operator, at=NOW)
    assert AuditEntry.objects.filter(action="adornment.removed").count() == 1


def test_of_several_service_targets_the_shortest_counts(member):
    for level in ("30", "5", "soon", ""):
        grant(member, adorned("service"), NOW, amount=None, level=level)
    assert MemberHonours(member.pk, NOW).answer_minutes == 5


@pytest.mark.parametrize(
    ("level", "minutes"),
    [("30", 30), (" 10 ", 10), ("0", None), ("-5", None), ("4K", None), ("", None), ("99999", None), ("１０", None)],
)
def test_a_level_says_minutes_or_none(level, minutes):
    assert minutes_of(level) == minutes


def test_only_an_emotional_benefit_that_is_had_or_not_had_shows_itself(db):
    for values, code in (({"kind": "quota", "category": "emotional"}, "has_limit"), ({"kind": "access"}, "not_emot")):
        with pytest.raises(Refused, match=code):
            adorning.adorn_benefit(benefit_id=make_benefit(**values).pk, actor=None, at=NOW, form="badge")
    assert not Adornment.objects.exists()


@pytest.fixture
def ask(db, admin):
    source = factories.SourceFactory()

    def request(member_id: str, scopes=("benefits",), at=NOW, **query):
        _key, secret = make_key(source_id=source.pk, label="App", scopes=list(scopes), actor=admin, at=NOW - DAY)
        with time_machine.travel(at, tick=False):
            path = f"/api/v1/members/{member_id}/honours"
            return Client().get(path, query, headers={"authorization": f"Bearer {secret}"})

    return request


def test_programs_are_told_what_she_wears_in_her_language(shop, ask, colleagues):
    frame = adorned("frame", name="Frame", name_zh="头像框")
    member = shop.member(900, language="zh-hans")
    given(make_honour(name_zh="挚友", benefit=frame, worn_days=None))
    wear(member, adorned("service"))
    external_id = member.identities.get(kind="external_id").value
    told = ask(external_id).json()
    assert told["frame"] == {"benefit": frame.code, "name": "头像框", "style": "silver"}
    assert told["honours"] == [
        {"honour": "friend", "name": "挚友", "style": "gold", "year": 2025, "rank": 1, "worn_until": None}
    ]
    assert (told["adviser"], told["may_have_adviser"], told["answer_minutes"]) == (None, False, None)
    assert ask(external_id, language="en").json()["frame"]["name"] == "Frame"


def test_who_is_unknown_or_may_not_ask_is_told_nothing(ask, member):
    assert ask("nobody").status_code == 404
    assert ask(member.identities.get(kind="external_id").value, scopes=("events",)).status_code == 403
    assert Client().get("/api/v1/members/x/honours").status_code == 401
