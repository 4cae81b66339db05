"""What a program sent, as bounded text: sizes checked before anything is read or unpacked."""

import base64
import binascii
import json
import zlib
from typing import Any

from django.http import HttpRequest, UnreadablePostError

from config.engine.ids import read_number

# Segment's limit for a request, of the text as well as of what is sent.
MAX_BYTES = 500 << 10
_GZIP = 16 + zlib.MAX_WBITS


class UnusableBody(Exception):
    """The body cannot be read; ``code`` says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def text_of(request: HttpRequest) -> str:
    """The body as text, unpacked where it is packed. Raises UnusableBody; never holds more than twice ``MAX_BYTES``."""
    raw = _raw(request)
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding == "gzip":
        raw = _unpacked(raw)
    elif encoding != "identity":
        raise UnusableBody("content_encoding")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnusableBody("not_utf8") from None


def object_of(request: HttpRequest) -> dict[str, Any]:
    """The body as a JSON object; no body is an empty one. Raises UnusableBody."""
    try:
        body = json.loads(text_of(request) or "{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise UnusableBody("unreadable") from None
    if not isinstance(body, dict):
        raise UnusableBody("not_an_object")
    return body


def secret_of(request: HttpRequest) -> str:
    """The write key, or nothing: the user name of basic authentication, a bearer token, or ``X-API-Key``."""
    scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    match scheme.lower():
        case "basic":
            return _user_name(given)
        case "bearer":
            return given.strip()
    return request.META.get("HTTP_X_API_KEY", "")


def _user_name(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _refuse_constant(word: str) -> None:
    raise ValueError(word)


def _raw(request: HttpRequest) -> bytes:
    announced = read_number(request.META.get("CONTENT_LENGTH") or "", most=10**18)
    if announced is not None and announced > MAX_BYTES:
        raise UnusableBody("too_large")
    try:
        raw = request.read(MAX_BYTES + 1)
    except UnreadablePostError:
        raise UnusableBody("unreadable") from None
    if len(raw) > MAX_BYTES:
        raise UnusableBody("too_large")
    return raw


def _unpacked(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(raw, MAX_BYTES + 1)
    except zlib.error:
        raise UnusableBody("gzip") from None
    if len(text) > MAX_BYTES:
        raise UnusableBody("too_large")
    if not unpacker.eof or unpacker.unused_data:
        raise UnusableBody("gzip")
    return text
