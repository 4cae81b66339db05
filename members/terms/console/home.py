"""What the first page shows of terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from config.staff.models import User
from members.lifecycle import metrics
from members.people.console.links import members_list

CHART_HEIGHT = 110
CHART_TOP = 16


@dataclass(frozen=True)
class ExpiryBar:
    day: metrics.ExpiryDay
    label: str
    x: float
    width: float
    auto_y: float
    auto_height: float
    manual_y: float
    manual_height: float
    text_y: float
    href: str

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True)
class Expiry:
    """The coming days' expiries as bars in percent and pixels, with the totals behind them."""

    bars: list[ExpiryBar]
    manual: int
    automatic: int
    manual_href: str
    automatic_href: str

    @property
    def total(self) -> int:
        return self.manual + self.automatic


def expiry(user: User, at: datetime, asked: Mapping[str, str]) -> Expiry:
    today = timezone.localtime(at).date()
    days = metrics.expiring_by_day(today, metrics.EXPIRY_DAYS)
    most = max(1, *(day.total for day in days))
    scale = (CHART_HEIGHT - CHART_TOP) / most
    pitch = 100 / len(days)
    bars = []
    for n, day in enumerate(days):
        low, high = round(day.automatic * scale, 1), round(day.manual * scale, 1)
        href = members_list(expires_from=day.day, expires_to=day.day, sort="expiry")
        label = _("today") if n == 0 else f"{day.day:%m-%d}"
        bars.append(
            ExpiryBar(
                day=day,
                label=label,
                x=round((n + 0.22) * pitch, 2),
                width=round(0.56 * pitch, 2),
                auto_y=CHART_HEIGHT - low,
                auto_height=low,
                manual_y=CHART_HEIGHT - low - high,
                manual_height=max(high - 1, 0) if low else high,
                text_y=CHART_HEIGHT - low - high - 5,
                href=href,
            )
        )
    return Expiry(
        bars=bars,
        manual=sum(day.manual for day in days),
        automatic=sum(day.automatic for day in days),
        manual_href=members_list(expires=metrics.EXPIRY_DAYS, auto="off", sort="expiry"),
        automatic_href=members_list(expires=metrics.EXPIRY_DAYS, auto="on", sort="expiry"),
    )
