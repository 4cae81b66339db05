"""Benefits used, and uses taken back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from config.audit.record import audit
from config.engine.prepared import execute_alone
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.benefits.models import Benefit
from entitlements.grants.models import Balance, Grant
from entitlements.grants.operations.settling import settle_members, settle_outdated
from entitlements.usage.gate import language_of, verdict
from entitlements.usage.models import UsageRecord
from entitlements.usage.querysets.consuming import CONSUME, CONSUME_NAMED, GIVE_BACK

Outcome = UsageRecord.Outcome
# Beyond this no limit makes sense, and sums stay within bigint.
MOST = 10**12
# Once out of date, and as often again as others change the balance between a use and the look at why it failed.
ATTEMPTS = 4


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
    language: str = "",
) -> UsageRecord:
    """Use ``amount`` (1–10^12) of a benefit and return the record, whose ``outcome`` says whether it was there.

    One statement decides under the balance's own columns, so that any number at once never take more than is left; a
    member of whom something is due is settled first. It counts in the usage period of ``used_at``, as far as the
    member had the benefit then: what is older, or was used before, is kept and counts nowhere.
    A ``key`` used before returns what it made then; raises Refused(``key_reused``) when that was something else,
    and ``amount_out_of_range``. ``used_at`` is when it happened, for what is reported later; nothing happens later than
    ``at``. With a ``language`` a
    refusal keeps what the gate says to her in it.
    """
    if not _is_in_range(amount):
        raise Refused("amount_out_of_range")
    asked = _Asked(member_id, benefit, amount, min(used_at or at, at), at, origin, key, actor, language)
    for _ in range(ATTEMPTS):
        if record := asked.made():
            return record
        if settle_outdated(member_ids=[member_id], at=at):
            continue
        if not asked.would_fit(balance := asked.balance()):
            return asked.refuse(balance)
    # Others were quicker every time.
    return asked.refuse(asked.balance())


def consume_named(
    *, external_id: str, code: str, amount: int, at: datetime, origin: str, key: str | None, used_at: datetime | None,
    language: Any,
) -> UsageRecord:  # fmt: skip
    """``consume`` by a member's external id and a benefit's code, in one statement where it is there.

    ``language`` is the one asked for, where a text; else she is told in her own. Raises Refused also with
    ``unknown_benefit`` and ``unknown_member``.
    """
    named = {"external_id": external_id, "code": code}
    happened_at = min(used_at or at, at)
    use = {"amount": amount, "used_at": happened_at, "at": at, "origin": str(origin), "key": key, "actor": None}
    try:
        if _is_in_range(amount) and (record := _take(CONSUME_NAMED, named | use)):
            return record
    except IntegrityError:
        # Somebody else's use of the key, as ``consume`` finds out; without one, an error of ours.
        if key is None:
            raise
    benefit, member_id, own_language = Benefit.objects.asked_about(**named)
    if benefit is None:
        raise Refused("unknown_benefit")
    if member_id is None:
        raise Refused("unknown_member")
    return consume(
        member_id=member_id, benefit=benefit, amount=amount, at=at, origin=origin, key=key, used_at=used_at,
        language=language_of(language, own_language),
    )  # fmt: skip


@transaction.atomic
def reverse(*, record_id: int, at: datetime, origin: str, actor: User | None = None, reason: str = "") -> UsageRecord:
    """Take a use back and return the record that says so; a second time returns the same one.

    It comes back to the lots that it burned and settles overage there; what lay in a lot that has ended stays used.
    Raises Refused(``not_a_use``).
    """
    # The benefit's own row is everybody's: a lock on it would hold up all uses of it.
    used = UsageRecord.objects.select_for_update(of=("self",)).select_related("benefit").get(pk=record_id)
    if used.outcome != Outcome.USED:
        raise Refused("not_a_use")
    if earlier := UsageRecord.objects.filter(reverses=used).first():
        return earlier
    settle_members(member_ids=[used.member_id], at=at)
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, {"record": used.pk, "at": at})
    # Once more, by the lots as they are now: what is left, and the overage that it settles.
    settle_members(member_ids=[used.member_id], at=at)
    balance = Balance.objects.get(member_id=used.member_id, benefit_id=used.benefit_id)
    record = UsageRecord.objects.create(
        member_id=used.member_id, benefit=used.benefit, at=at, recorded_at=at, amount=used.amount,
        outcome=Outcome.REVERSED, origin=origin, reverses=used, actor=actor, granted_after=balance.granted,
        used_after=balance.used, overage_after=balance.overage,
    )  # fmt: skip
    audit(used, "usage.reversed", actor=actor, at=at, reason=reason, benefit=used.benefit.code, amount=used.amount)
    return record


def _is_in_range(amount: int) -> bool:
    return 1 <= amount <= MOST


def _take(statement: str, use: dict[str, Any]) -> UsageRecord | None:
    """The use, or None where it is not there or the key is known. Raises IntegrityError for a key used just now."""
    rows = execute_alone(statement, use)
    if not rows:
        return None
    record_id, member_id, benefit_id, granted, used, overage, beyond, worth, unlocks = rows[0]
    if unlocks:
        settle_members(member_ids=[member_id], at=use["at"])
    return UsageRecord(
        pk=record_id, member_id=member_id, benefit_id=benefit_id, at=use["used_at"], recorded_at=use["at"],
        amount=use["amount"], outcome=Outcome.USED, origin=use["origin"], overage=beyond, worth_cents=worth,
        idempotency_key=use["key"], granted_after=granted, used_after=used, overage_after=overage,
        actor_id=use["actor"],
    )  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """One request to use a benefit."""

    member_id: int
    benefit: Benefit
    amount: int
    used_at: datetime
    at: datetime
    origin: str
    key: str | None
    actor: User | None
    language: str

    def made(self) -> UsageRecord | None:
        """The use, now or by the same key before; None where it is not there."""
        try:
            return self.take() or self.known()
        except IntegrityError:
            # Somebody else's use of the key; anything else about the rows is an error of ours.
            if known := self.known():
                return known
            raise

    def take(self) -> UsageRecord | None:
        return _take(CONSUME, {
            "member": self.member_id, "benefit": self.benefit.pk, "amount": self.amount, "used_at": self.used_at,
            "at": self.at, "origin": str(self.origin), "key": self.key,
            "actor": self.actor.pk if self.actor else None,
        })  # fmt: skip

    def known(self) -> UsageRecord | None:
        """What the key made before. Raises Refused when it was used for something else."""
        if self.key is None:
            return None
        known = UsageRecord.objects.filter(idempotency_key=self.key).first()
        asked = self.member_id, self.benefit.pk, self.amount
        if known is not None and (known.member_id, known.benefit_id, known.amount) != asked:
            raise Refused("key_reused")
        return known

    def balance(self) -> Balance | None:
        return Balance.objects.filter(member_id=self.member_id, benefit=self.benefit).first()

    def would_fit(self, balance: Balance | None) -> bool:
        """Whether it is there after all, because the balance changed between the use and this look at it."""
        if balance is None or not balance.is_open:
            return False
        has_room = balance.has_room(self.amount) or not self.benefit.is_hard_limit
        return has_room and self._refusal(balance) is None

    def refuse(self, balance: Balance | None) -> UsageRecord:
        """Keep what was refused, so that the same key gets the same answer and operations see who met a limit."""
        outcome = self._refusal(balance) or Outcome.LIMIT_REACHED
        record = self._record(outcome=outcome, granted_after=0)
        if balance is not None and balance.is_open:
            record.granted_after, record.used_after = balance.granted, balance.used
            record.overage_after = balance.overage
        if self.language and outcome != Outcome.LATE:
            record.told = self._told()
        try:
            with transaction.atomic():
                record.save(force_insert=True)
        except IntegrityError:
            if known := self.known():
                return known
            raise
        return record

    def _refusal(self, balance: Balance | None) -> str | None:
        """Why it cannot be, apart from the limit."""
        if balance is None or not balance.is_open:
            return Outcome.LATE if self.used_at < self.at and self._had_it() else Outcome.NO_ACCESS
        if balance.period_start is not None and self.used_at < balance.period_start:
            return Outcome.LATE
        if self.used_at < self.at and not self._had_it():
            return Outcome.LATE
        opens_at = self.benefit.opens_at(balance.early_hours)
        return Outcome.NO_ACCESS if opens_at is not None and self.used_at < opens_at else None

    def _had_it(self) -> bool:
        grants = Grant.objects.filter(member_id=self.member_id, benefit=self.benefit)
        return grants.open(self.used_at).exists()

    def _told(self) -> dict[str, Any]:
        said = verdict(
            member_id=self.member_id, benefit=self.benefit, at=self.at, language=self.language, amount=self.amount
        )
        return {
            "reason": said.reason, "hint": said.hint, "upgrade_target": said.upgrade_target,
            "upgrade_name": said.upgrade_name, "opens_at": said.opens_at, "resets_at": said.resets_at,
        }  # fmt: skip

    def _record(self, **answer: object) -> UsageRecord:
        return UsageRecord(
            member_id=self.member_id, benefit=self.benefit, at=self.used_at, recorded_at=self.at, amount=self.amount,
            origin=self.origin, idempotency_key=self.key, actor=self.actor, **answer,
        )  # fmt: skip
