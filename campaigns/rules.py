"""Pure rules of delivery. The standard library only: no clock, no database."""

from datetime import timedelta

from config.engine.ids import read_number

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(minutes=30)


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after the ``attempts``-th refusal (from 1): 30 s, doubling, at most 30 minutes."""
    return min(FIRST_RETRY * 2 ** (max(attempts, 1) - 1), LONGEST_RETRY) if attempts < 12 else LONGEST_RETRY


def is_temporary(code: int) -> bool:
    """Whether an SMTP reply asks to try again later (RFC 5321, 4.2.1)."""
    return 400 <= code < 500


def blames_address(code: int, enhanced: str) -> bool:
    """Whether a refusal says that the mailbox itself is no good, so that nothing should be sent there again.

    550, 551 and 553 do (RFC 5321, 4.2.2), unless the enhanced status is one of policy (x.7.x, RFC 3463).
    """
    return code in (550, 551, 553) and not enhanced.startswith("5.7")


def enhanced_status(reply: str) -> str:
    """The enhanced status code (RFC 2034) a reply's text begins with, or an empty string."""
    word = reply.split(" ", 1)[0]
    parts = word.split(".")
    return word if len(parts) == 3 and all(read_number(part, most=999) is not None for part in parts) else ""


def message_id(intent_id: int, installation: str, domain: str) -> str:
    """The Message-ID of an intent: the same however often it is tried, so that a duplicate shows anywhere."""
    return f"<i{intent_id}.{installation}@{domain}>"
