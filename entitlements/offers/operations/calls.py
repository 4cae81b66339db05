"""Calls under an idempotency key: the same key gets the same answer, and the work is done once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from entitlements.offers.models import RedeemCall

KEPT = timedelta(days=30)

Answer = tuple[int, dict[str, Any]]


class KeyReused(Exception):
    """The idempotency key was used for another request."""


@transaction.atomic
def answer_once(
    *, key_id: int, idempotency_key: str, request_hash: str, at: datetime, work: Callable[[], Answer]
) -> Answer:
    """The answer of ``work`` (status, body), or the one given before under this key. Raises KeyReused.

    Two at once: the second waits for the first. An answer that refuses is kept too; ``work`` undoes what it did then.
    """
    call, is_new = RedeemCall.objects.get_or_create(
        key_id=key_id, idempotency_key=idempotency_key, defaults={"request_hash": request_hash, "made_at": at}
    )
    if call.request_hash != request_hash:
        raise KeyReused
    if is_new:
        call.status, call.answer = work()
        call.save(update_fields=["status", "answer"])
    return call.status, call.answer


def forget_calls(*, at: datetime) -> int:
    """Delete the answers nobody asks for again; returns how many."""
    return RedeemCall.objects.filter(made_at__lt=at - KEPT).delete()[0]
