import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.operations.checking import check_delivery


class Command(BaseCommand):
    help = (
        "Compare what the system says it sent with what arrived in a mail sink's folder: planned = sent + failed + "
        "suppressed + expired + unknown (open ones apart), duplicates 0. Exit status 1 when they disagree."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sink", type=Path, required=True, help="folder with one .eml file per accepted mail")
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")

    def handle(self, *args: Any, sink: Path, **options: Any) -> None:
        if not sink.is_dir():
            raise CommandError(f"{sink} is not a folder")
        report = check_delivery(sink=sink)
        facts = report.as_dict()
        if options["json"]:
            self.stdout.write(json.dumps(facts))
        else:
            for name, value in facts.items():
                self.stdout.write(f"{name}: {value}")
        if not report.is_honest:
            raise SystemExit(1)
