"""Email to a raw local sink by two processes, beside Django's connection for each message."""

from collections.abc import Iterator
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import connection

from campaigns.lifecycle import ChannelCode
from campaigns.models import MessageIntent
from campaigns.operations.email import deliver_email
from campaigns.operations.planning import plan
from config.engine.clock import now
from tests.bench import claiming, sink
from tests.bench.base import execute, made_at
from tests.bench.measuring import Scene, interleaved, line
from tests.bench.pairs import run_pair

MOST = 6_000
PER_DJANGO_PROCESS = 500
PARAGRAPH = "Your membership runs until 24 November 2026, 7 days from now. Renew before then and not a day is lost. "


def email(scene: Scene) -> Iterator[dict[str, Any]]:
    """Due mail from the claim to the server's 250, with every status written."""
    plan(at=made_at())
    # Only what this measures is due, however long it takes.
    claiming.make_due(limit=MOST)
    claiming.remember_due()
    execute(
        """UPDATE campaigns_messageintent SET due_at = due_at + interval '30 days',
          expires_at = expires_at + interval '30 days'
        WHERE id NOT IN (SELECT id FROM bench_intent)"""
    )
    rates: dict[str, list[float]] = {"email": [], "email-django": []}
    peaks: list[float] = []
    with sink.running() as url:

        def run(kind: str) -> None:
            taken, reports = run_pair(kind, EMAIL_URL=url)
            rates[kind].append(sum(report["done"] for report in reports) / taken)
            if kind == "email":
                peaks.extend(report["peak_mb"] for report in reports)

        interleaved(lambda: run("email"), lambda: run("email-django"), runs=scene.runs, restore=claiming.restore)
    ours, django = (sorted(rates[kind])[len(rates[kind]) // 2] for kind in ("email", "email-django"))
    sent = MessageIntent.objects.filter(channel=ChannelCode.EMAIL, due_at__lte=now()).count()
    printed = line(
        "email", scene, ours_s=sent / ours, limit_s=sent / django / 5, goal=">= 5x connection per message",
        met=ours >= 5 * django, messages=sent, messages_per_s=ours, django_messages_per_s=django,
        times_django=ours / django,
        stack_figure="kept connection 3,948/s raw sink, 5,511/s two processes; EmailMessage.send() 280-575/s",
    )  # fmt: skip
    yield printed | {"peak_rss_mb": round(max(peaks), 1)}


def deliver() -> int:
    """One delivering process: everything that is due."""
    total = 0
    while (result := deliver_email(clock=now, run_seconds=600.0)).judged:
        total += result.sent
    return total


def send_with_django() -> int:
    """One process that sends as Django's documentation shows: a connection for each message."""
    connection.close()
    for n in range(PER_DJANGO_PROCESS):
        mail = EmailMultiAlternatives(
            subject=f"Your Gold membership ends in 7 days ({n})", body=PARAGRAPH * 4, from_email="members@example.com",
            to=[f"b{n}@example.com"], headers={"List-Unsubscribe": f"<https://example.com/u/{n}>"},
        )  # fmt: skip
        mail.attach_alternative(f"<html><body><p>{PARAGRAPH * 8}</p></body></html>", "text/html")
        mail.send()
    return PER_DJANGO_PROCESS
