import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from config.engine.clock import now
from members.lifecycle.operations import sweep


class Command(BaseCommand):
    help = "Judge every member who is due. A future --at needs --dry-run: the log never holds what has not happened."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", help="ISO 8601 instant with a UTC offset; now by default")
        parser.add_argument("--dry-run", action="store_true", help="print the from→to matrix and change nothing")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        at = self._instant(options["at"])
        if at > now() and not options["dry_run"]:
            raise CommandError("--at lies in the future: only a dry run may look ahead; add --dry-run")
        result = sweep.simulate(at=at) if options["dry_run"] else sweep.sweep(at=at)
        if options["as_json"]:
            brake = result.brake.pk if result.brake else None
            self.stdout.write(
                json.dumps({"at": at.isoformat(), "judged": result.judged, "brake": brake, "moves": result.matrix()})
            )
            return
        for row in result.matrix():
            self.stdout.write(f"{row['from'] or 'none':>14} → {row['to']:<14} {row['members']:>9,}")
        self.stdout.write(f"judged {result.judged:,}")
        if result.brake:
            self.stdout.write(f"stopped by brake {result.brake.pk}: a person must decide; nothing was changed")

    def _instant(self, text: str | None) -> datetime:
        if text is None:
            return now()
        instant = parse_datetime(text)
        if instant is None or instant.tzinfo is None:
            raise CommandError("--at needs an ISO 8601 instant with a UTC offset, such as 2026-12-01T09:00+08:00")
        return instant
