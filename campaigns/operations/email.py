"""Sending email: one worker's run over one claimed batch after another, one message on the wire at a time.

A message crosses three lines. Before it is handed over (MAIL, RCPT, DATA, the body) every failure only puts it off.
Then "on the wire" is committed, and only then comes the dot. From there to the server's answer nobody but the server
knows: a silence makes it unknown. The answer to one message and the start of the next share a commit.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from django.db import InterfaceError, OperationalError, connection

from campaigns.lifecycle import ChannelCode, Reason
from campaigns.models import Channel, MessageIntent, Suppression
from campaigns.operations import delivery
from campaigns.operations.copy import compose_email, sender_address
from campaigns.operations.rendering import CopyError
from campaigns.operations.wire import Reply, SaidNo, Wire, WireBroken, WireDown
from campaigns.querysets.messages import Claimed
from campaigns.rules import blames_address, is_temporary

Clock = Callable[[], datetime]
T = TypeVar("T")

# A run ends after this long so that other work gets its turn; the next tick goes on.
RUN_SECONDS = 5.0
# A worker keeps what it knows about a message for so long while the database is away.
DATABASE_PATIENCE_SECONDS = 120.0

_kept: dict[int, Wire] = {}


@dataclass
class DeliveryResult:
    """What a run did: messages judged at the claim, accepted by the server, and everything else it tried."""

    judged: int = 0
    sent: int = 0
    not_sent: int = 0


def deliver_email(*, clock: Clock, run_seconds: float = RUN_SECONDS, limit: int = delivery.BATCH) -> DeliveryResult:
    """Send due mail until none is due, the time is up or the server asks for a rest.

    ``clock`` is read at every step, since a run lasts. At most ``Channel.max_workers`` run at once; more return at
    once. Killed at any moment it leaves at most one message unknown.
    """
    channel = Channel.objects.get(pk=ChannelCode.EMAIL)
    result = DeliveryResult()
    deadline = time.monotonic() + run_seconds
    with delivery.delivery_slot(channel) as is_free:
        # Asked before a connection is made: an idle tick costs one index probe.
        if not is_free or not MessageIntent.objects.pending_on(channel.pk, clock()).exists():
            return result
        run = _Run(channel, clock, deadline, result)
        while time.monotonic() < deadline and run.go_on(limit):
            pass
    return result


def _wire(channel: Channel) -> Wire:
    """This process's kept connection; a forked child never uses its parent's."""
    wire = _kept.setdefault(os.getpid(), Wire(timeout_seconds=channel.timeout_seconds))
    wire.timeout_seconds = channel.timeout_seconds
    return wire


def forget_connection() -> None:
    """Close this process's kept connection; the next run makes a new one."""
    if wire := _kept.pop(os.getpid(), None):
        wire.close()


class _Run:
    """Claimed batches on their way out, one after the other, each under a token of its own."""

    def __init__(self, channel: Channel, clock: Clock, deadline: float, result: DeliveryResult) -> None:
        self.channel, self.clock, self.deadline, self.result = channel, clock, deadline, result
        self.wire = _wire(channel)
        self.sender = sender_address()
        self.installation = delivery.installation()
        self.worker = ""
        self.accepted: tuple[int, str] | None = None

    def go_on(self, limit: int) -> bool:
        """Claim up to ``limit`` messages and send them; returns whether to claim more."""
        try:
            self.wire.ready()
        except WireDown:
            return False
        batch = self._claim(limit)
        return batch is not None and self._send_all(batch)

    def _claim(self, limit: int) -> list[Claimed] | None:
        """The next batch; None when nothing was due."""
        self.worker = uuid4().hex
        try:
            judged, batch = delivery.claim(channel=self.channel, worker=self.worker, at=self.clock(), limit=limit)
        except (OperationalError, InterfaceError):
            # It may have been committed though its answer was lost; nobody else would know before the lease ends.
            self._put_back()
            raise
        self.result.judged += judged
        return batch if judged else None

    def _send_all(self, batch: list[Claimed]) -> bool:
        """Send the batch in order; returns whether to claim more. What was not reached is put back."""
        for message in batch:
            if time.monotonic() > self.deadline or not self._send(message):
                self._flush()
                self._put_back()
                return False
        self._flush()
        return True

    def _put_back(self) -> None:
        _persist(lambda: delivery.put_back(worker=self.worker))

    def _send(self, message: Claimed) -> bool:
        """Take one message as far as it goes; False when the server should be left alone."""
        try:
            # The first mail of a version reads it, and may find the database away like any write.
            mail = _persist(
                lambda: compose_email(
                    intent_id=message.intent_id,
                    address=message.address,
                    template_version_id=message.template_version_id,
                    context=message.context,
                    installation=self.installation,
                    at=self.clock(),
                )
            )
        except CopyError as error:
            self._fail(message, Reason.RENDERING_FAILED, str(error))
            return True
        try:
            self._offer(message, mail)
        except SaidNo as refused:
            return self._refused(message, refused.reply, to_sender=refused.to_sender)
        except WireBroken:
            self._put_off(message, Reason.NO_ANSWER, "", counts=True)
            return True
        except WireDown:
            return False
        if not self._start(message):
            self.wire.abandon()
            return not _persist(delivery.is_sending_stopped)
        try:
            reply = self.wire.finish()
        except WireBroken as broken:
            self._lose(message, Reason.NO_ANSWER if broken.timed_out else Reason.CONNECTION_LOST)
            return True
        if reply.is_accepted:
            self.accepted = (message.intent_id, str(reply))
            self.result.sent += 1
            return True
        return self._refused(message, reply)

    def _offer(self, message: Claimed, mail: bytes) -> None:
        try:
            self.wire.offer(sender=self.sender, address=message.address, mail=mail)
        except WireBroken as broken:
            if broken.timed_out:
                raise
            # Servers hang up after so many messages on one connection: once more on a new one.
            self.wire.offer(sender=self.sender, address=message.address, mail=mail)

    def _start(self, message: Claimed) -> bool:
        """Commit that the message goes on the wire, and the acceptance of the one before."""
        accepted = self.accepted
        try:
            may_go = _persist(
                lambda: delivery.confirm_and_start(
                    worker=self.worker,
                    confirm=accepted,
                    start=message.intent_id,
                    lease_until=delivery.lease_end(self.channel, self.clock()),
                    at=self.clock(),
                )
            )
        except BaseException:
            # The server waits for more of the body; whatever came next would become part of it.
            self.wire.abandon()
            raise
        self.accepted = None
        return may_go

    def _flush(self) -> None:
        """Write down the last acceptance when no next message carries it."""
        accepted = self.accepted
        if accepted:
            _persist(
                lambda: delivery.confirm_and_start(
                    worker=self.worker, confirm=accepted, start=None, lease_until=self.clock(), at=self.clock()
                )
            )
        self.accepted = None

    def _refused(self, message: Claimed, reply: Reply, *, to_sender: bool = False) -> bool:
        if reply.code == 421:
            self._put_off(message, Reason.TRY_LATER, str(reply), counts=False)
            return False
        if is_temporary(reply.code):
            self._put_off(message, Reason.TRY_LATER, str(reply), counts=True)
        elif to_sender:
            self._fail(message, Reason.SENDER_REFUSED, str(reply))
        elif blames_address(reply.code, reply.enhanced):
            self._fail(message, Reason.ADDRESS_REFUSED, str(reply))
            _persist(
                lambda: Suppression.objects.suppress(
                    channel=self.channel.pk, address=message.address, cause=Suppression.Cause.REFUSED, at=self.clock()
                )
            )
        else:
            self._fail(message, Reason.CONTENT_REFUSED, str(reply))
        return True

    def _put_off(self, message: Claimed, reason: Reason, reply: str, *, counts: bool) -> None:
        self._flush()
        self.result.not_sent += 1
        _persist(
            lambda: delivery.put_off(
                worker=self.worker,
                intent_id=message.intent_id,
                counts=counts,
                reason=reason,
                reply=reply,
                at=self.clock(),
            )
        )

    def _fail(self, message: Claimed, reason: Reason, reply: str) -> None:
        self._flush()
        self.result.not_sent += 1
        _persist(
            lambda: delivery.fail(
                worker=self.worker, intent_id=message.intent_id, reason=reason, reply=reply, at=self.clock()
            )
        )

    def _lose(self, message: Claimed, reason: Reason) -> None:
        self.result.not_sent += 1
        _persist(lambda: delivery.lose(worker=self.worker, intent_id=message.intent_id, reason=reason, at=self.clock()))


def _persist(write: Callable[[], T]) -> T:
    """Make ``write``, or a read, succeed though the database restarts under it; in the end it is left to the lease."""
    deadline = time.monotonic() + DATABASE_PATIENCE_SECONDS
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(0.5)
