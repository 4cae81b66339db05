"""The words of a message, its unsubscribe link, and the MIME form an email travels in.

Only immutable template versions and plain dicts come in here, so the same facts always give the same bytes.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from campaigns.operations.rendering import render
from campaigns.rules import message_id

_UNSUBSCRIBE_SALT = "campaigns.unsubscribe"


@dataclass(frozen=True)
class Words:
    """What the member reads, and the link with which she wants no more of it."""

    subject: str
    text: str
    html: str
    unsubscribe_url: str


def words(*, template_version_id: int, context: dict[str, Any], intent_id: int) -> Words:
    """The exact words of a message. Raises CopyError."""
    link = unsubscribe_url(intent_id)
    subject, text, html = render(template_version_id, {**context, "links": {"unsubscribe": link}})
    return Words(" ".join(subject.split()), text, html, link)


def unsubscribe_token(intent_id: int) -> str:
    """An opaque, signed name of one message; it says nothing about whom it went to."""
    return Signer(salt=_UNSUBSCRIBE_SALT, sep="~").sign(format(intent_id, "x"))


def intent_of_token(token: str) -> int | None:
    """The message a token names; None when it was not signed here."""
    try:
        return int(Signer(salt=_UNSUBSCRIBE_SALT, sep="~").unsign(token), 16)
    except (BadSignature, ValueError):
        return None


def unsubscribe_url(intent_id: int) -> str:
    return settings.PUBLIC_URL.rstrip("/") + _unsubscribe_path() + unsubscribe_token(intent_id) + "/"


@lru_cache(maxsize=1)
def _unsubscribe_path() -> str:
    """What stands before the token; resolved once, not once a mail."""
    return reverse("campaigns:unsubscribe", args=["-"]).removesuffix("-/")


def sender_address() -> str:
    """The bare address mail comes from."""
    return _bare_address(settings.DEFAULT_FROM_EMAIL)


@lru_cache(maxsize=8)
def _bare_address(value: str) -> str:
    """Taking an address apart costs as much as the rest of a mail's headers."""
    return parseaddr(value)[1]


def email_message_id(intent_id: int, installation: str) -> str:
    """The Message-ID of an intent's mail; ``installation`` keeps databases apart that share a mail server."""
    return message_id(intent_id, installation, sender_address().partition("@")[2])


def compose_email(
    *, intent_id: int, address: str, template_version_id: int, context: str, installation: str, at: datetime
) -> bytes:
    """One whole mail as it goes over the wire, without the closing dot. Raises CopyError.

    Every part is base64 and every header is ASCII, so no line begins with a dot and none needs 8BITMIME. ``address``
    must have passed the claim's check of its form.
    """
    said = words(template_version_id=template_version_id, context=json.loads(context), intent_id=intent_id)
    boundary = f"=_moc_{intent_id:x}"
    parts = [("plain", said.text), ("html", said.html)] if said.html else [("plain", said.text)]
    lines = [
        f"From: {_from_header(settings.DEFAULT_FROM_EMAIL)}",
        f"To: {address}",
        f"Subject: {_encoded(said.subject)}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: {email_message_id(intent_id, installation)}",
        f"List-Unsubscribe: <{said.unsubscribe_url}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
    ]
    for kind, body in parts:
        lines += [
            f"--{boundary}",
            f"Content-Type: text/{kind}; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            "",
            _base64_lines(body.encode()),
        ]
    lines += [f"--{boundary}--", ""]
    return "\r\n".join(lines).encode("ascii")


def _base64_lines(data: bytes) -> str:
    """Base64 in lines of 76 (RFC 2045, 6.8)."""
    coded = b64encode(data).decode()
    return "\r\n".join(coded[n : n + 76] for n in range(0, len(coded), 76))


def _encoded(text: str) -> str:
    """A header value as RFC 2047 encoded words, folded; plain when it is short printable ASCII."""
    if text.isascii() and text.isprintable() and len(text) <= 60 and "=?" not in text:
        return text
    chunks, chunk = [], b""
    for character in text:
        raw = character.encode()
        # An encoded word may have 75 characters and must not split a character.
        if len(chunk) + len(raw) > 42:
            chunks.append(chunk)
            chunk = b""
        chunk += raw
    return "\r\n ".join(f"=?utf-8?b?{b64encode(c).decode()}?=" for c in [*chunks, chunk])


@lru_cache(maxsize=8)
def _from_header(value: str) -> str:
    name, address = parseaddr(value)
    return f"{_encoded(name)} <{address}>" if name else address
