from datetime import UTC, datetime, timedelta

import pytest

from members.tags.models import MemberTag, Tag
from members.tags.operations.refreshing import refresh_tag
from tests import factories

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def carriers(db):
    """Refresh a tag and say who carries it."""

    def found(code: str, at: datetime = AT) -> set[int]:
        refresh_tag(tag_id=Tag.objects.get(code=code).pk, at=at)
        return set(MemberTag.objects.current().filter(code=code).values_list("member_id", flat=True))

    return found


@pytest.fixture
def member(db):
    return factories.make_member(at=AT - 100 * DAY)
