"""Celery only wakes the engine up; what is due lives in PostgreSQL."""

from time import monotonic

from celery import shared_task

from config.engine.clock import now
from members.lifecycle.operations import policies, sweep


@shared_task
def sweep_due() -> None:
    """Judge everybody who is due. Runs every second and whenever facts arrive; idle it costs under 5 ms."""
    sweep.sweep(at=now())


class Waking:
    """Wakes the sweep for facts that come in streams: at most once in ``EVERY_S`` a process, the tick does the rest."""

    EVERY_S = 0.5

    def __init__(self) -> None:
        self._last = -self.EVERY_S

    def __call__(self) -> None:
        moment = monotonic()
        if moment - self._last >= self.EVERY_S:
            self._last = moment
            sweep_due.apply_async(expires=10)


wake_sweep = Waking()


@shared_task
def run_approved_brake(brake_id: int) -> None:
    """Carry out a braked sweep that a person approved. Again after a crash it does the rest."""
    sweep.run_approved(brake_id=brake_id, at=now())


@shared_task
def preview_policy(policy_id: int) -> None:
    """Work out who would move under a draft; the page asks until it is there."""
    policies.REVIEW.look_ahead(policy_id, at=now())


@shared_task
def roll_out_policy() -> None:
    """Judge those whom the policy in force has not judged yet. Again after a crash it does the rest."""
    policies.roll_out_policy(at=now())


@shared_task
def finish_decisions() -> None:
    """What people approved and a lost task left unfinished: braked sweeps and the policy in force."""
    for brake_id in sweep.unfinished_brakes():
        sweep.run_approved(brake_id=brake_id, at=now())
    policies.roll_out_policy(at=now())
