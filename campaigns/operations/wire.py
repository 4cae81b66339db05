"""A kept SMTP connection that stops before the final dot, so that what is on the wire can be written down first."""

import smtplib
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings

from campaigns.rules import enhanced_status

# After a refusal of service the server is left alone for this long.
REST_SECONDS = 10.0


class WireDown(Exception):
    """No connection could be made, or the server asks to be left alone. Nothing was offered."""


class WireBroken(Exception):
    """The connection failed or the server did not answer in time; it is closed now."""

    def __init__(self, *, timed_out: bool) -> None:
        self.timed_out = timed_out
        super().__init__("timed out" if timed_out else "broken")


@dataclass(frozen=True)
class Reply:
    """A server's answer. Only its numbers are kept: the text may repeat the address."""

    code: int
    enhanced: str

    @property
    def is_accepted(self) -> bool:
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced}".strip()


class SaidNo(Exception):
    """The server said no before the message was handed over; ``to_sender`` when it was the sender it refused."""

    def __init__(self, reply: Reply, *, to_sender: bool = False) -> None:
        self.reply = reply
        self.to_sender = to_sender
        super().__init__(str(reply))


class Wire:
    """One process's connection to the mail server. Not for sharing between threads."""

    def __init__(self, *, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self._smtp: smtplib.SMTP | None = None
        self._resting_until = 0.0

    def ready(self) -> None:
        """Have a live connection; raises WireDown without one."""
        if time.monotonic() < self._resting_until:
            raise WireDown
        if self._smtp is not None:
            try:
                if self._smtp.noop()[0] == 250:
                    return
            except (OSError, smtplib.SMTPException):
                pass  # It was idle too long and the server hung up: a new connection follows.
            self.close()
        try:
            self._smtp = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            self.rest()
            raise WireDown from error

    def offer(self, *, sender: str, address: str, mail: bytes) -> None:
        """Hand over everything but the closing dot. Raises SaidNo or WireBroken; nothing was sent then."""
        if self._smtp is None:
            self.ready()
        assert self._smtp is not None
        try:
            self._open(self._smtp, f"MAIL FROM:<{sender}>", f"RCPT TO:<{address}>")
            self._smtp.send(mail)
        except SaidNo as refused:
            self._after(refused.reply)
            raise
        except (OSError, smtplib.SMTPException) as error:
            raise self._broken(error) from error
        except BaseException:
            self.close()  # Interrupted in the middle of a dialogue: nothing may follow on this connection.
            raise

    def finish(self) -> Reply:
        """The closing dot, and the server's answer. After WireBroken nobody knows whether it was sent."""
        assert self._smtp is not None
        try:
            self._smtp.send(b".\r\n")
            reply = _reply(*self._smtp.getreply())
            if not 200 <= reply.code < 600:
                raise smtplib.SMTPException("not a reply")
        except (OSError, smtplib.SMTPException) as error:
            raise self._broken(error) from error
        except BaseException:
            self.close()
            raise
        if not reply.is_accepted:
            self._after(reply)
        return reply

    def abandon(self) -> None:
        """Take back what was offered: without the dot the server throws it away (RFC 5321, 4.1.1.4)."""
        self.close()

    def rest(self) -> None:
        self._resting_until = time.monotonic() + REST_SECONDS

    def close(self) -> None:
        if self._smtp is not None:
            with suppress(OSError):
                self._smtp.close()
            self._smtp = None

    def _connect(self) -> smtplib.SMTP:
        kind = smtplib.SMTP_SSL if getattr(settings, "EMAIL_USE_SSL", False) else smtplib.SMTP
        smtp = kind(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=self.timeout_seconds)
        try:
            # The dot is a small packet behind a big one: it must not wait for the other side's delayed ACK.
            assert smtp.sock is not None
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            smtp.ehlo()
            if getattr(settings, "EMAIL_USE_TLS", False):
                smtp.starttls()
                smtp.ehlo()
            if settings.EMAIL_HOST_USER:
                smtp.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _open(self, smtp: smtplib.SMTP, sender: str, address: str) -> None:
        """Bring the dialogue to where the body follows: in one round trip with a server that allows it (RFC 2920)."""
        if not smtp.has_extn("pipelining"):
            self._expect(smtp.docmd(sender), to_sender=True)
            self._expect(smtp.docmd(address))
            self._expect(smtp.docmd("DATA"), code=354)
            return
        smtp.send(f"{sender}\r\n{address}\r\nDATA\r\n".encode("ascii"))
        refused: SaidNo | None = None
        for command in ("MAIL", "RCPT", "DATA"):
            answer = smtp.getreply()
            try:
                self._expect(answer, to_sender=command == "MAIL", code=354 if command == "DATA" else None)
            except SaidNo as error:
                # The first refusal is the reason; 421 is the last that is heard.
                refused = refused or error
                if error.reply.code == 421:
                    break
            else:
                if command == "DATA" and refused:
                    self.close()  # It waits for a body all the same, and would take whatever comes next for it.
        if refused:
            raise refused

    def _expect(self, answer: tuple[int, bytes], *, to_sender: bool = False, code: int | None = None) -> None:
        reply = _reply(*answer)
        if not (reply.is_accepted if code is None else reply.code == code):
            raise SaidNo(reply, to_sender=to_sender)

    def _after(self, reply: Reply) -> None:
        """Bring the connection back to where the next message can begin."""
        if reply.code == 421:
            self.close()
            self.rest()
        if self._smtp is None:
            return
        try:
            self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self.close()

    def _broken(self, error: Exception) -> WireBroken:
        self.close()
        # smtplib wraps what a socket says into its own exception.
        return WireBroken(timed_out=isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError))


def _reply(code: int, text: bytes) -> Reply:
    return Reply(code, enhanced_status(text.decode("ascii", "replace")))
