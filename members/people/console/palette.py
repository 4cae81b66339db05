"""Members as Ctrl-K finds them."""

from typing import Any

from django.utils.translation import gettext as _

from config.console.formats import mask_name, mask_phone
from config.staff.models import User
from members.people.models import Identity, Member

SHOWN = 8


def find_members(user: User, text: str) -> list[dict[str, Any]]:
    """The newest members that the text finds; nobody while nothing is typed."""
    if not text:
        return []
    found = Member.objects.search(text).order_by("-pk").values_list("pk", flat=True)[:SHOWN]
    rows = Member.objects.filter(pk__in=list(found)).select_related("lifecycle").prefetch_related("identities")
    return [
        {
            "label": mask_name(member.display_name) or _("No name"),
            "note": " · ".join(filter(None, [str(member.pk), _phone_of(member)])),
            "state": member.lifecycle.lifecycle_state,
            "href": member.get_absolute_url(),
            "icon": "user",
        }
        for member in sorted(rows, key=lambda member: -member.pk)
    ]


def _phone_of(member: Member) -> str:
    phones = (i.value for i in member.identities.all() if i.kind == Identity.Kind.PHONE)
    return mask_phone(next(phones, ""))
