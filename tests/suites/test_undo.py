"""No operation of a person ends in an error of ours: each undo after each later act works or is refused by name."""

import os
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from config.engine.clock import now
from config.engine.refusal import Refused
from tests.suites.undoing import ACTS, DAY, UNDOS, Deed, Scene

LATER = ACTS | UNDOS
# What is always refused is tried all the same.
NEVER_POSSIBLE = {"order_number_taken", "void_lent"}
# Every undo after every act takes a quarter of an hour, so a short run tries a few acts, others for each undo.
IS_LONG = bool(os.environ.get("MOC_SOAK"))
STEP = 1 if IS_LONG else 31
FOR_MERGES = 1 if IS_LONG else 4


@pytest.fixture(scope="module")
def scene(any_date, django_db_setup, django_db_blocker) -> Iterator[Scene]:
    """One scene for all tests of the module; what each pair does is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Scene(now())
        transaction.set_rollback(True)


def attempt(scene: Scene, deed: Deed, at) -> None:
    """Do something as a view does: all of it or, when it is refused, nothing."""
    try:
        with transaction.atomic():
            deed(scene, at)
            connection.check_constraints()
    except Refused:
        pass


def try_pair(scene: Scene, undo: str, later: str) -> None:
    """The undo after the later act, and what the workers make of both; all of it is taken back."""
    days = 40 if later == "forty_days_pass" else 1
    with transaction.atomic():
        attempt(scene, LATER[later], now() + days * DAY)
        attempt(scene, UNDOS[undo], now() + (days + 1) * DAY)
        scene.settle(now() + (days + 2) * DAY)
        connection.check_constraints()
        transaction.set_rollback(True)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "undo", [pytest.param(undo, marks=pytest.mark.soak) for undo in UNDOS] if IS_LONG else list(UNDOS)
)
def test_an_undo_after_any_later_act_works_or_is_refused(scene, db, undo):
    step = FOR_MERGES if undo == "unmerge" else STEP
    first = list(UNDOS).index(undo) % step
    failures = []
    for later in list(LATER)[first::step]:
        try:
            try_pair(scene, undo, later)
        except Exception as error:
            failures.append(f"{undo} after {later}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
    assert not failures, "\n".join(failures)


def test_everything_tried_is_possible_by_itself(scene, db):
    """A pair proves nothing where the act or the undo is refused in the first place."""
    refused = {}
    for name, deed in LATER.items():
        with transaction.atomic():
            try:
                deed(scene, now() + DAY)
            except Refused as error:
                if name not in NEVER_POSSIBLE:
                    refused[name] = error.code
            transaction.set_rollback(True)
    assert not refused, "\n".join(f"{name}: {code}" for name, code in refused.items())
