"""The tags that a verb of terms brings or takes: the lifecycle engine gives them when it judges the member."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from config.engine.naming import name_of
from members.tags.models import MemberTag
from members.terms.consequences import CONSEQUENCES, Consequence, Effect


def register() -> None:
    """Called once, when the app is ready."""
    CONSEQUENCES.register(Consequence("tags", read, tell))


def read(member_id: int, _at: datetime) -> dict[str, str]:
    """The names of the tags the member carries, by code."""
    carried = MemberTag.objects.filter(member_id=member_id, until__isnull=True).select_related("tag")
    return {row.code: name_of(row.tag) or row.code for row in carried}


def tell(before: dict[str, str], after: dict[str, str]) -> Iterator[Effect]:
    if gained := tuple(after[code] for code in after if code not in before):
        yield Effect(_("The member gets the tags"), True, gained)
    if lost := tuple(before[code] for code in before if code not in after):
        yield Effect(_("The member loses the tags"), False, lost)
