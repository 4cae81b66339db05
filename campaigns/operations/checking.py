"""Does what we say we sent agree with what arrived? Compares the messages with the mails of a sink's folder."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from campaigns.lifecycle import ChannelCode, Status
from campaigns.models import MessageIntent
from campaigns.operations.copy import email_message_id
from campaigns.operations.delivery import installation

OPEN = (Status.PENDING, Status.CLAIMED, Status.ON_WIRE)
# Lists in a report end somewhere; the counts beside them do not.
LISTED = 100


@dataclass
class DeliveryReport:
    """Every message is in exactly one status; every mail at the sink belongs to one message, at most once."""

    planned: int
    counts: dict[str, int]
    at_sink: int
    duplicates: list[str] = field(default_factory=list)
    sent_but_not_at_sink: list[int] = field(default_factory=list)
    at_sink_but_never_on_wire: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    unknown_at_sink: int = 0
    foreign_at_sink: int = 0

    @property
    def is_balanced(self) -> bool:
        return self.planned == sum(self.counts.values())

    @property
    def is_honest(self) -> bool:
        """Nothing lost, nothing twice, nothing claimed that did not happen."""
        return self.is_balanced and not (self.duplicates or self.sent_but_not_at_sink or self.at_sink_but_never_on_wire)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON; lists are cut at 100 with their lengths beside them."""
        lists = ("duplicates", "sent_but_not_at_sink", "at_sink_but_never_on_wire", "unknown")
        return {
            "planned": self.planned,
            **self.counts,
            "finished": sum(n for status, n in self.counts.items() if status not in OPEN),
            "open": sum(self.counts[status] for status in OPEN),
            "balanced": self.is_balanced,
            "at_sink": self.at_sink,
            "unknown_at_sink": self.unknown_at_sink,
            "foreign_at_sink": self.foreign_at_sink,
            **{f"{name}_count": len(getattr(self, name)) for name in lists},
            **{f"{name}_list": getattr(self, name)[:LISTED] for name in lists},
            "ok": self.is_honest,
        }


def check_delivery(*, sink: Path) -> DeliveryReport:
    """Compare every message with the mails stored in ``sink`` (one .eml file each), by Message-ID.

    In-app messages count among the planned; they have no mail. Mails of other installations are counted apart.
    """
    own = installation()
    arrived = Counter(_message_ids(sink))
    rows = MessageIntent.objects.filter(channel=ChannelCode.EMAIL).order_by("pk")
    ours, report = (
        0,
        DeliveryReport(
            planned=MessageIntent.objects.count(),
            counts=MessageIntent.objects.counts_by_status(),
            at_sink=sum(arrived.values()),
        ),
    )
    for pk, status, on_wire_at in rows.values_list("pk", "status", "on_wire_at").iterator():
        message_id = email_message_id(pk, own)
        copies = arrived.get(message_id, 0)
        ours += copies
        if copies > 1:
            report.duplicates.append(message_id)
        if status == Status.UNKNOWN:
            report.unknown.append(pk)
            report.unknown_at_sink += copies > 0
        elif status == Status.SENT and not copies:
            report.sent_but_not_at_sink.append(pk)
        if copies and on_wire_at is None:
            report.at_sink_but_never_on_wire.append(pk)
    report.foreign_at_sink = report.at_sink - ours
    return report


def _message_ids(sink: Path) -> Iterator[str]:
    parser = BytesHeaderParser()
    for path in sink.glob("*.eml"):
        with path.open("rb") as mail:
            yield str(parser.parse(mail)["Message-ID"] or "").strip()
