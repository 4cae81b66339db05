"""Benefits used, and uses taken back."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from config.staff.models import User
from config.staff.operations import record_audit
from entitlements.benefits.models import Benefit
from entitlements.grants.models import Balance
from entitlements.grants.operations.settling import settle_members
from entitlements.usage.models import UsageRecord
from entitlements.usage.querysets.consuming import CONSUME, GIVE_BACK

Outcome = UsageRecord.Outcome
# Beyond this no limit makes sense, and sums stay within bigint.
MOST = 10**12


class UsageRefused(Exception):
    """What was asked cannot be done; ``code`` says why, for a program."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def consume(
    *,
    member_id: int,
    benefit: Benefit,
    amount: int,
    at: datetime,
    origin: str,
    key: str | None = None,
    used_at: datetime | None = None,
    actor: User | None = None,
) -> UsageRecord:
    """Use ``amount`` (1–10^12) of a benefit and return the record, whose ``outcome`` says whether it was there.

    One statement decides under the balance's own columns, so that any number at once never take more than is left.
    A ``key`` used before returns what it made then; raises UsageRefused(``key_reused``) when that was something else,
    and ``amount_out_of_range``. ``used_at`` is when it happened, for what is reported later.
    """
    if not 1 <= amount <= MOST:
        raise UsageRefused("amount_out_of_range")
    asked = _Asked(member_id, benefit, amount, used_at or at, at, origin, key, actor)
    for attempt in range(2):
        try:
            record = asked.take()
        except IntegrityError:
            return asked.answered()
        if record is not None:
            return record
        if attempt == 0:
            if key and (known := UsageRecord.objects.filter(idempotency_key=key).first()):
                return asked.same(known)
            if not _is_current(member_id, benefit, at):
                settle_members(member_ids=[member_id], at=at)
                continue
        break
    return asked.refuse()


@transaction.atomic
def reverse(*, record_id: int, at: datetime, origin: str, actor: User | None = None, reason: str = "") -> UsageRecord:
    """Take a use back and return the record that says so; a second time returns the same one.

    What lay in a usage period that has ended stays used: only what is still open gets it back. Raises
    UsageRefused(``not_a_use``).
    """
    used = UsageRecord.objects.select_for_update().select_related("benefit").get(pk=record_id)
    if used.outcome != Outcome.USED:
        raise UsageRefused("not_a_use")
    if earlier := UsageRecord.objects.filter(reverses=used).first():
        return earlier
    settle_members(member_ids=[used.member_id], at=at)
    values: dict[str, Any] = {
        "member": used.member_id, "benefit": used.benefit_id, "amount": used.amount, "used_at": used.at,
        "overage": used.overage,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, values)
    balance = Balance.objects.get(member_id=used.member_id, benefit_id=used.benefit_id)
    record = UsageRecord.objects.create(
        member_id=used.member_id, benefit=used.benefit, at=at, recorded_at=at, amount=used.amount,
        outcome=Outcome.REVERSED, origin=origin, reverses=used, actor=actor, granted_after=balance.granted,
        used_after=balance.used, overage_after=balance.overage,
    )  # fmt: skip
    record_audit(
        actor=actor, at=at, action="usage.reversed", target_type="usage", target_id=used.pk, member_id=used.member_id,
        reason=reason, data={"benefit": used.benefit.code, "amount": used.amount},
    )  # fmt: skip
    return record


def _is_current(member_id: int, benefit: Benefit, at: datetime) -> bool:
    balance = Balance.objects.filter(member_id=member_id, benefit=benefit).first()
    return balance is not None and (balance.valid_until is None or balance.valid_until > at)


class _Asked:
    """One request to use a benefit."""

    def __init__(
        self, member_id: int, benefit: Benefit, amount: int, used_at: datetime, at: datetime, origin: str,
        key: str | None, actor: User | None,
    ) -> None:  # fmt: skip
        self.member_id, self.benefit, self.amount, self.used_at, self.at = member_id, benefit, amount, used_at, at
        self.origin, self.key, self.actor = origin, key, actor

    def take(self) -> UsageRecord | None:
        values: dict[str, Any] = {
            "member": self.member_id, "benefit": self.benefit.pk, "amount": self.amount, "used_at": self.used_at,
            "at": self.at, "origin": self.origin, "key": self.key, "actor": self.actor.pk if self.actor else None,
        }  # fmt: skip
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(CONSUME, values)
            row = cursor.fetchone()
        if row is None:
            return None
        record_id, uses, granted, used, overage, beyond, worth = row
        if self.benefit.unlocks.current().filter(unlocked_after=uses).exists():
            settle_members(member_ids=[self.member_id], at=self.at)
        return self._record(
            pk=record_id, outcome=Outcome.USED, overage=beyond, worth_cents=worth, granted_after=granted,
            used_after=used, overage_after=overage,
        )  # fmt: skip

    def refuse(self) -> UsageRecord:
        """Keep what was refused, so that the same key gets the same answer and operations see who met a limit."""
        balance = Balance.objects.filter(member_id=self.member_id, benefit=self.benefit, is_open=True).first()
        if balance is None:
            record = self._record(outcome=Outcome.NO_ACCESS, granted_after=0)
        else:
            is_late = balance.period_start is not None and self.used_at < balance.period_start
            record = self._record(
                outcome=Outcome.LATE if is_late else Outcome.LIMIT_REACHED, granted_after=balance.granted,
                used_after=balance.used, overage_after=balance.overage,
            )  # fmt: skip
        try:
            with transaction.atomic():
                record.save(force_insert=True)
        except IntegrityError:
            return self.answered()
        return record

    def answered(self) -> UsageRecord:
        """What the key made before."""
        return self.same(UsageRecord.objects.get(idempotency_key=self.key))

    def same(self, known: UsageRecord) -> UsageRecord:
        if (known.member_id, known.benefit_id, known.amount) != (self.member_id, self.benefit.pk, self.amount):
            raise UsageRefused("key_reused")
        return known

    def _record(self, **answer: object) -> UsageRecord:
        return UsageRecord(
            member_id=self.member_id, benefit=self.benefit, at=self.used_at, recorded_at=self.at, amount=self.amount,
            origin=self.origin, idempotency_key=self.key, actor=self.actor, **answer,
        )  # fmt: skip
