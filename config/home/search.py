"""What Ctrl-K finds: members, pages and actions, as far as the viewer's role goes."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.console.formats import mask_name, mask_phone
from config.home.navigation import NAVIGATION, href_of
from config.staff.access import Permission
from config.staff.models import User
from members.people.models import Identity, Member

MEMBERS_SHOWN = 8


@dataclass(frozen=True)
class Action:
    label: str | Promise
    url_name: str
    icon: str
    permission: Permission
    # Other words people type for it.
    also: str = ""


ACTIONS = (
    Action(gettext_lazy("New member"), "members:new", "user-plus", Permission.OPERATE, "create add 新建 会员"),
    Action(gettext_lazy("Import a file"), "imports:new", "file-upload", Permission.IMPORT, "csv xlsx upload 导入 上传"),
    Action(
        gettext_lazy("Propose a lifecycle policy"), "members:policy-new", "route", Permission.PROPOSE_POLICY,
        "threshold 策略 阈值",
    ),
    Action(gettext_lazy("Anomalies"), "members:anomalies", "alert-triangle", Permission.VIEW, "anomaly 异常"),
    Action(gettext_lazy("New plan"), "members:plan-new", "plus", Permission.ADMINISTER, "方案 套餐"),
)  # fmt: skip


def find(user: User, text: str) -> list[dict[str, Any]]:
    """Groups of results for the palette; members first when something was typed."""
    wanted = text.strip()
    groups = [
        {"label": _("Members"), "items": members(wanted) if wanted and user.may(Permission.VIEW) else []},
        {"label": _("Pages"), "items": pages(user, wanted)},
        {"label": _("Actions"), "items": actions(user, wanted)},
    ]
    return [group for group in groups if group["items"]]


def members(text: str) -> list[dict[str, Any]]:
    found = Member.objects.search(text).order_by("-pk").values_list("pk", flat=True)[:MEMBERS_SHOWN]
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


def pages(user: User, text: str) -> list[dict[str, Any]]:
    return [
        {"label": item.label, "href": href, "icon": item.icon}
        for item in NAVIGATION
        if user.may(item.permission) and (href := href_of(item.url_name)) and _matches(text, str(item.label))
    ]


def actions(user: User, text: str) -> list[dict[str, Any]]:
    return [
        {"label": action.label, "href": href, "icon": action.icon}
        for action in ACTIONS
        if user.may(action.permission)
        and (href := href_of(action.url_name))
        and _matches(text, f"{action.label} {action.also}")
    ]


def _matches(text: str, words: str) -> bool:
    return text.casefold() in words.casefold()
