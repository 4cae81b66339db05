"""Who is told what and when: planning ahead, and cancelling what no longer holds. Both run every few seconds."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from campaigns.models import Campaign, CampaignVersion, Enrollment
from members.lifecycle.operations.sweep import active_policy

# Steps are planned this long before the earliest of them can be due, so that they can be seen coming.
LEAD = timedelta(days=2)
# Without a step before the last day: by so many days it may move and still be the same.
REACH_DAYS = 7
# A failed renewal of which nobody heard for longer is no news any more.
NEWS = timedelta(days=30)


@dataclass
class PlanResult:
    """Members enrolled for the first time, messages brought back because their trigger holds again, messages moved."""

    enrolled: int = 0
    revived: int = 0
    moved: int = 0


@dataclass
class CancelResult:
    """Enrollments ended by reason, and those that went through every step."""

    ended: dict[str, int] = field(default_factory=dict)
    finished: int = 0


def plan(*, at: datetime) -> PlanResult:
    """Plan the messages of every running campaign up to its horizon.

    One statement a campaign. Again it changes nothing; safe to run concurrently with itself and with any other.
    """
    result = PlanResult()
    for campaign in Campaign.objects.running():
        version = campaign.current_version
        trigger = version.definition["trigger"]["kind"]
        enrolled, revived, moved = Enrollment.objects.plan(trigger, _parameters(version, at))
        result.enrolled += enrolled
        result.revived += revived
        result.moved += moved
    return result


@transaction.atomic
def cancel(*, at: datetime) -> CancelResult:
    """Suppress what is pending for members who renewed, were refunded or switched auto-renewal on, with the reason.

    Idempotent: a consumer of the terms as they are now, not of calls. What slips in between is caught by the claim.
    """
    ended = Enrollment.objects.cancel(at=at)
    return CancelResult(ended=dict(ended), finished=Enrollment.objects.finish(at=at))


def step_rows(version: CampaignVersion) -> list[dict[str, Any]]:
    """The messages of a version's steps, one row per step and channel."""
    return [
        {
            "step_key": f"{step['key']}.{message['channel']}",
            "channel": message["channel"],
            "template": message["template"],
            "days_before": step.get("days_before"),
            "local_time": step["local_time"],
            "valid_hours": step.get("valid_hours"),
        }
        for step in version.definition["steps"]
        for message in step["messages"]
    ]


def _parameters(version: CampaignVersion, at: datetime) -> dict[str, Any]:
    rows = step_rows(version)
    reach_days = max((row["days_before"] for row in rows if row["days_before"] is not None), default=REACH_DAYS)
    policy = active_policy()
    return {
        "campaign": version.campaign_id,
        "version": version.pk,
        "steps": json.dumps(rows),
        "kinds": version.definition["trigger"]["term_kinds"],
        "at": at,
        "since": at - NEWS,
        "until": at + timedelta(days=reach_days) + LEAD,
        "reach_days": reach_days,
        "window_days": policy.expiring_window_days,
        "window_fraction": policy.expiring_fraction,
        "grace_days": policy.grace_days,
        "zone": settings.PROJECT_TIME_ZONE,
    }
