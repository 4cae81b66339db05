"""What the gate says of a benefit, from what a member holds of it and what each tier would give her."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Answer(StrEnum):
    """What a program shows. Only ``OPEN`` is access."""

    OPEN = "open"
    PREVIEW = "preview"
    LOCKED = "locked"
    LIMIT_REACHED = "limit_reached"
    HIDDEN_PRICE = "hidden_price"
    TOO_EARLY = "too_early"


class Reason(StrEnum):
    """Why."""

    GRANTED = "granted"
    OVER_LIMIT = "over_limit"
    LIMIT_REACHED = "limit_reached"
    NOT_OPEN_YET = "not_open_yet"
    NOT_UNLOCKED = "not_unlocked"
    NOT_GRANTED = "not_granted"


class Guarded(Protocol):
    """What the gate reads of a benefit."""

    code: str
    name: str
    name_zh: str
    is_hard_limit: bool
    when_denied: str
    preview_limit: int
    unlocked_by_id: int | None
    hint_open: str
    hint_open_zh: str
    hint_upgrade: str
    hint_upgrade_zh: str

    def opens_at(self, early_hours: int) -> datetime | None: ...


@dataclass(frozen=True)
class Held:
    """What a member has of a benefit now. No ``granted`` is no limit; ``allowance`` is the ladder's part of it."""

    is_open: bool = False
    granted: int | None = 0
    used: int = 0
    overage: int = 0
    level: str = ""
    early_hours: int = 0
    allowance: int | None = 0
    resets_at: datetime | None = None


@dataclass(frozen=True)
class Rung:
    """What a tier of the ladder in force gives of a benefit. No ``position`` is the free tier."""

    position: int | None
    code: str
    name: str
    name_zh: str
    amount: int | None
    level: str
    early_hours: int


@dataclass(frozen=True)
class Verdict:
    """The gate's answer about one member and one benefit, with the words for her."""

    benefit: str
    access: bool
    verdict: Answer
    reason: Reason
    granted: int | None
    used: int
    remaining: int | None
    overage: int
    resets_at: datetime | None
    level: str
    preview_limit: int | None
    opens_at: datetime | None
    upgrade_target: str | None
    upgrade_name: str | None
    hint: str


# The words of a benefit without words of its own.
_HINTS = {
    "zh": {
        "open": "本功能为会员专享,已为你激活",
        "upgrade": "使用{benefit}需升级至{tier}",
        "closed": "{benefit}暂未开放",
        "limit_upgrade": "{benefit}已用完，升级至{tier}可继续使用",
        "limit": "{benefit}已用完",
        "early_upgrade": "{benefit}尚未开放，升级至{tier}可提前体验",
        "early": "{benefit}尚未开放",
        "unlock": "{benefit}尚未解锁",
    },
    "en": {
        "open": "A members' benefit, ready for you",
        "upgrade": "Upgrade to {tier} to use {benefit}",
        "closed": "{benefit} is not available to you",
        "limit_upgrade": "You have used all of {benefit}. Upgrade to {tier} for more",
        "limit": "You have used all of {benefit}",
        "early_upgrade": "{benefit} is not open yet. Upgrade to {tier} for early access",
        "early": "{benefit} is not open yet",
        "unlock": "{benefit} is not unlocked yet",
    },
}  # fmt: skip
_NAMES = re.compile(r"\{(benefit|tier)\}")
_JOINTS = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[\u4e00-\u9fff])")


def judge(
    benefit: Guarded,
    held: Held,
    rungs: Sequence[Rung],
    *,
    position: int | None,
    at: datetime,
    language: str,
    amount: int = 1,
) -> Verdict:
    """The verdict at ``at`` for a member who holds ``held`` and stands on the tier at ``position`` (None: free tier).

    It says whether ``amount`` may be used now. ``rungs`` are the tiers that give the benefit, in any order; where it
    is there, none are needed. The upgrade target is the lowest tier above hers that gives what is missing: the
    benefit, more of it, or earlier.
    """
    opens_at = benefit.opens_at(held.early_hours) if held.is_open else None
    waits = benefit.unlocked_by_id is not None and any(rung.position == position for rung in rungs)
    if not held.is_open:
        reason = Reason.NOT_UNLOCKED if waits else Reason.NOT_GRANTED
    elif opens_at is not None and at < opens_at:
        reason = Reason.NOT_OPEN_YET
    elif held.granted is None or held.used + amount <= held.granted:
        reason = Reason.GRANTED
    else:
        reason = Reason.LIMIT_REACHED if benefit.is_hard_limit else Reason.OVER_LIMIT
    answer = _answer(benefit, reason)
    target = _target(reason, held, rungs, position)
    in_chinese = language.startswith("zh")
    return Verdict(
        benefit=benefit.code, access=answer is Answer.OPEN, verdict=answer, reason=reason, granted=held.granted,
        used=held.used, remaining=None if held.granted is None else max(held.granted - held.used, 0),
        overage=held.overage, resets_at=held.resets_at, level=held.level,
        preview_limit=benefit.preview_limit if answer is Answer.PREVIEW else None,
        opens_at=opens_at if reason is Reason.NOT_OPEN_YET else None,
        upgrade_target=target.code if target else None, upgrade_name=_name(target, in_chinese) if target else None,
        hint=_hint(benefit, reason, target, in_chinese),
    )  # fmt: skip


def fill_in(template: str, *, benefit: str, tier: str, in_chinese: bool) -> str:
    """The template with ``{benefit}`` and ``{tier}`` replaced, everything else, other braces too, as it is.

    In Chinese a blank parts Chinese from Latin where the two meet at a name.
    """
    names, text = {"benefit": benefit, "tier": tier}, ""
    for n, part in enumerate(_NAMES.split(template)):
        piece = names[part] if n % 2 else part
        parted = in_chinese and _JOINTS.search(text[-1:] + piece[:1])
        text += f" {piece}" if parted else piece
    return text


def _answer(benefit: Guarded, reason: Reason) -> Answer:
    match reason:
        case Reason.GRANTED | Reason.OVER_LIMIT:
            return Answer.OPEN
        case Reason.LIMIT_REACHED:
            return Answer.LIMIT_REACHED
        case Reason.NOT_OPEN_YET:
            return Answer.TOO_EARLY
    return Answer(benefit.when_denied)


def _target(reason: Reason, held: Held, rungs: Sequence[Rung], position: int | None) -> Rung | None:
    def gives(rung: Rung) -> bool:
        match reason:
            case Reason.NOT_GRANTED:
                return rung.amount != 0
            case Reason.LIMIT_REACHED:
                return rung.amount is None or rung.amount > (held.allowance or 0)
            case Reason.NOT_OPEN_YET:
                return rung.early_hours > held.early_hours
        return False

    above = [r for r in rungs if r.position is not None and (position is None or r.position > position) and gives(r)]
    return min(above, key=lambda rung: rung.position or 0, default=None)


def _name(thing: Guarded | Rung, in_chinese: bool) -> str:
    return (in_chinese and thing.name_zh) or thing.name


def _hint(benefit: Guarded, reason: Reason, target: Rung | None, in_chinese: bool) -> str:
    own = ""
    if reason in (Reason.GRANTED, Reason.OVER_LIMIT):
        own, kind = (in_chinese and benefit.hint_open_zh) or benefit.hint_open, "open"
    elif reason is Reason.NOT_GRANTED:
        own = (in_chinese and benefit.hint_upgrade_zh) or benefit.hint_upgrade
        kind = "upgrade" if target else "closed"
    else:
        kind = {Reason.LIMIT_REACHED: "limit", Reason.NOT_OPEN_YET: "early", Reason.NOT_UNLOCKED: "unlock"}[reason]
        kind += "_upgrade" if target else ""
    # Words about a tier say nothing where there is none to name.
    if not own or (target is None and "{tier}" in own):
        own = _HINTS["zh" if in_chinese else "en"][kind]
    tier = _name(target, in_chinese) if target else ""
    return fill_in(own, benefit=_name(benefit, in_chinese), tier=tier, in_chinese=in_chinese)
