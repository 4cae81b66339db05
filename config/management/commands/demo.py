from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config.demo import people
from config.engine.clock import now
from members.people.models import Member

PASSWORD = "membership"  # noqa: S105 - printed by make run, for a database of invented people


class Command(BaseCommand):
    help = "Create the demo accounts and, unless there are members already, a seeded base of demo members."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--members", type=int, default=5_000)
        parser.add_argument("--accounts-only", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        for user in people.accounts(PASSWORD):
            self.stdout.write(f"  {user.username:<9} password: {PASSWORD}")
        if options["accounts_only"] or Member.objects.exists():
            return
        self.stdout.write(f"demo data: {options['members']} members")
        people.populate(count=options["members"], at=now(), progress=self._progress)
        self.stdout.write("demo data: done")

    def _progress(self, done: int) -> None:
        if done % 1_000 == 0:
            self.stdout.write(f"demo data: {done}")
            self.stdout.flush()
