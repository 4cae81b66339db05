"""What a member export can hold: each column's heading, where its value lies, and how it is masked.

The headings are the import's field labels, so an export is understood when it comes back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet, TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.console.masking import mask_email, mask_name, mask_phone
from config.engine.naming import in_chinese
from members.files.csv_text import written_end
from members.files.mapping import MEMBER_FIELDS
from members.lifecycle.lifecycle import MembershipStatus, State
from members.people.models import Member
from members.segments import dimensions


@dataclass(frozen=True)
class ExportColumn:
    """One column. ``path`` is the values() path; ``masked`` hides a value; ``choices`` or ``words`` have its words,
    ``written`` what else becomes of it."""

    key: str
    label: str | Promise
    path: str
    masked: Callable[[str], str] | None = None
    choices: type[TextChoices] | None = None
    words: Callable[[], Mapping[str, Any]] | None = None
    written: Callable[[Any], Any] | None = None

    def heading(self, *, reveal: bool) -> str:
        """The column's name; a masked one says so, and is not taken for the real thing when it comes back."""
        if self.masked and not reveal:
            return gettext("%(name)s, masked") % {"name": self.label}
        return str(self.label)

    def writer(self, *, reveal: bool) -> Callable[[Any], Any]:
        """What turns a raw value into a cell, with words of the language that is active now."""
        if self.masked and not reveal:
            masked = self.masked
            return lambda raw: masked(str(raw)) if raw else None
        if self.choices:
            words = {choice.value: str(choice.label) for choice in self.choices}
            return words.get
        if self.words:
            names = {value: str(word) for value, word in self.words().items()}
            return lambda raw: names.get(raw, raw)
        return self.written or (lambda raw: raw)


_LABELS = {field.name: field.label for field in MEMBER_FIELDS}


def _column(key: str, path: str, **how: Any) -> ExportColumn:
    return ExportColumn(key, _LABELS[key], path, **how)


COLUMNS: tuple[ExportColumn, ...] = (
    ExportColumn("number", _("Member number"), "pk"),
    _column("external_id", "of_external_id__value"),
    _column("display_name", "display_name", masked=mask_name),
    _column("phone", "of_phone__value", masked=mask_phone),
    _column("email", "of_email__value", masked=mask_email),
    ExportColumn(
        "lifecycle_state", _("Lifecycle state"), "lifecycle__lifecycle_state", choices=State
    ),
    ExportColumn(
        "membership_status", _("Membership status"), "lifecycle__membership_status",
        choices=MembershipStatus,
    ),
    _column("tier", "tier_name"),
    _column("activation_time", "lifecycle__activation_time"),
    _column("expiration_time", "lifecycle__expiration_time", written=written_end),
    _column("auto_renewal_flag", "lifecycle__auto_renewal_flag"),
    ExportColumn("last_active_time", _("Last active"), "lifecycle__last_active_time"),
    _column("gender", "gender"),
    _column("birthday_on", "birthday_on", masked=lambda value: value[:4]),
    _column("city", "city"),
    _column("channel", "channel"),
    _column("registered_at", "registered_at"),
)  # fmt: skip
DEFAULT = tuple(column.key for column in COLUMNS[:11])


def catalogue() -> tuple[ExportColumn, ...]:
    """The columns of members, then those that other apps offer."""
    return (*COLUMNS, *(ExportColumn(d.code, d.label, f"of_{d.code}", words=d.words) for d in dimensions.columns()))


def chosen(keys: Sequence[str]) -> list[ExportColumn]:
    """The columns of these keys in the order of the catalogue; the usual ones when none is named."""
    every = catalogue()
    wanted = set(keys) & {column.key for column in every} or set(DEFAULT)
    return [column for column in every if column.key in wanted]


def joined(queryset: QuerySet[Member], columns: Sequence[ExportColumn], at: datetime) -> QuerySet[Member]:
    """The members with the identities and values at ``at`` that these columns need, each joined once."""
    relations = {
        f"of_{kind}": FilteredRelation("identities", condition=Q(identities__kind=kind, identities__is_former=False))
        for kind in ("external_id", "phone", "email")
        if kind in {column.key for column in columns}
    }
    queryset = queryset.annotate(**relations)
    if "tier" in {column.key for column in columns}:
        name = "lifecycle__tier__name_zh" if in_chinese() else "lifecycle__tier__name"
        queryset = queryset.annotate(tier_name=F(name))
    keys = {column.key for column in columns}
    offered = [dimension for dimension in dimensions.columns() if dimension.code in keys]
    return queryset.annotate(**{f"of_{dimension.code}": dimension.text(at) for dimension in offered})
