import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from entitlements.checks.operations.checking import find_offences


class Command(BaseCommand):
    help = "Look whether grants, uses, balances and terms add up. Exit status 1 when something does not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = find_offences()
        if options["json"]:
            facts = {finding.check.code: {"count": finding.count, "rows": finding.rows} for finding in found}
            self.stdout.write(json.dumps({"ok": not found, "offences": facts}))
        elif not found:
            self.stdout.write("Everything adds up.")
        for finding in () if options["json"] else found:
            self.stdout.write(f"{finding.check.code}: {finding.count} ({finding.check.holds})")
            for member, benefit, detail in finding.rows:
                self.stdout.write(f"  member {member}, benefit {benefit or '-'}: {detail}")
        if found:
            raise SystemExit(1)
