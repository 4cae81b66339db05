"""The words of value: the eight RFM groups with what to do for each, and the bands of churn risk."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Group(models.IntegerChoices):
    """``8 − (4·monetary + 2·recency + frequency)`` of the three bits, so that 1 is high in all of them."""

    CORE = 1, _("Core value")
    DEVELOP = 2, _("Core to develop")
    KEEP = 3, _("Core to keep")
    RESCUE = 4, _("Core to rescue")
    GENERAL_VALUE = 5, _("General value")
    GENERAL_DEVELOP = 6, _("General to develop")
    GENERAL_KEEP = 7, _("General to keep")
    GENERAL_RESCUE = 8, _("General to rescue")


class Band(models.TextChoices):
    LOW = "low", _("Low risk")
    MEDIUM = "medium", _("Medium risk")
    HIGH = "high", _("High risk")


# Scores from the first to below the second number.
BAND_BOUNDS: dict[str, tuple[int, int]] = {"low": (0, 30), "medium": (30, 60), "high": (60, 101)}

ACTIONS: dict[int, str | Promise] = {
    Group.CORE: _("Hold: named service, early access, invitations, the next tier."),
    Group.DEVELOP: _("Bring back more often: bundles, check-ins, a reason to buy the next time soon."),
    Group.KEEP: _("Wake up: a personal message about what is new, a benefit that ends soon."),
    Group.RESCUE: _("Call before they are gone: win-back offer, a survey why, a person on the phone."),
    Group.GENERAL_VALUE: _("Raise the basket: cross-sell, a yearly plan, a higher tier on trial."),
    Group.GENERAL_DEVELOP: _("Turn the first purchase into a habit: guides, first-month tasks, small rewards."),
    Group.GENERAL_KEEP: _("Remind at low cost: digests, points that expire, seasonal offers."),
    Group.GENERAL_RESCUE: _("Let go cheaply: automatic recall only, no paid channel."),
}


def bits_of(group: int) -> tuple[bool, bool, bool]:
    """Whether a group is high in (recency, frequency, monetary)."""
    rest = 8 - group
    return bool(rest & 2), bool(rest & 1), bool(rest & 4)


def band_of(score: int) -> Band:
    return next(Band(code) for code, (low, high) in BAND_BOUNDS.items() if low <= score < high)
