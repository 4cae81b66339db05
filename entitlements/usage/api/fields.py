"""The fields of what programs ask about benefits, checked; a refusal's ``code`` names the field."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest

from config.api.bodies import UnusableBody
from config.engine.ids import read_number
from members.people.rules import normalise_identity

MAX_ID = 200
MAX_KEY = 160
MAX_REASON = 200
OLDEST = timedelta(days=3_650)
# The clocks of programs go ahead a little.
AHEAD = timedelta(minutes=5)
PAGE, MOST_A_PAGE = 50, 200


def external_id_of(text: str) -> str:
    """The external id as it is stored; empty where nobody can have it."""
    plain = normalise_identity("external_id", text) if len(text) <= MAX_ID and is_storable(text) else ""
    return plain if len(plain) <= MAX_ID else ""


def amount_of(body: Mapping[str, Any]) -> int:
    """How much is used, 1 where nothing is said."""
    amount = body.get("amount", 1)
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise UnusableBody("amount")
    return amount


def instant_of(body: Mapping[str, Any], at: datetime) -> datetime | None:
    """When it happened, None where nothing is said; UTC without an offset, at most ten years ago."""
    said = body.get("at")
    if said is None:
        return None
    try:
        instant = datetime.fromisoformat(said)
        instant = instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise UnusableBody("timestamp") from None
    if not at - OLDEST <= instant <= at + AHEAD:
        raise UnusableBody("timestamp_out_of_range")
    return instant


def reason_of(body: Mapping[str, Any]) -> str:
    """Why a use is taken back, in at most ``MAX_REASON`` characters."""
    reason = body.get("reason", "")
    if not isinstance(reason, str) or len(reason) > MAX_REASON or not is_storable(reason):
        raise UnusableBody("reason")
    return reason


def idempotency_key_of(request: HttpRequest, source_id: int) -> str | None:
    """The key of the request as it is kept: a source's own, quoted or not (IETF draft: quoted). None without one."""
    said = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if said is None:
        return None
    key = said.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise UnusableBody("idempotency_key")
    return f"api:{source_id}:{key}"


def page_of(request: HttpRequest) -> tuple[int, int]:
    """After which benefit a page begins, and how many are on it."""
    limit = whole_number(request, "limit", PAGE)
    if not 1 <= limit <= MOST_A_PAGE:
        raise UnusableBody("limit")
    return whole_number(request, "cursor", 0), limit


def whole_number(request: HttpRequest, name: str, default: int) -> int:
    """A number of the query, in at most 18 digits."""
    number = read_number(request.GET.get(name, str(default)), most=10**18)
    if number is None:
        raise UnusableBody(name)
    return number


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold it: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
