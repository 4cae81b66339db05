"""Nothing that belongs to a member is forgotten by a merge."""

from members.people.belongings import BELONGINGS, forgotten
from members.people.models import Member


def test_every_table_with_a_key_to_a_member_is_registered():
    assert forgotten(Member) == [], "register the table in a Belonging or say why it stays"


def test_a_table_that_is_not_registered_is_noticed(lend):
    del lend(BELONGINGS)["members_membertag"]
    assert forgotten(Member) == ["members.MemberTag.member"]


def test_every_key_of_a_belonging_tells_its_rows_apart():
    for belonging in BELONGINGS:
        assert belonging.keys, belonging.table
