"""What segments bring along."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from config.console.menu import MEMBERS, MENU, MenuEntry
from members.people.belongings import BELONGINGS, Belonging
from members.segments.models import SegmentMembership, SegmentUploadLine
from members.segments.operations.refreshing import count_again


def register() -> None:
    """Called once, when the app is ready."""
    BELONGINGS.register(
        Belonging(
            SegmentMembership, _("Segments"), equal_by=["segment_id"], among="left_at IS NULL", prefer="entered_at",
            copied="true", recount=_count_segments,
        )
    )  # fmt: skip
    BELONGINGS.register(Belonging(SegmentUploadLine, _("Uploaded lists")))
    MENU.register(MenuEntry(_("Segments"), "segments:index", "filter-cog", MEMBERS, 20))


def _count_segments(rows: list[dict[str, Any]]) -> None:
    count_again(segment_ids={row["segment_id"] for row in rows})
