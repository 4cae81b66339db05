"""What a program sent, as bounded text: sizes checked before anything is read or unpacked."""

import base64
import binascii
import zlib

from django.http import HttpRequest, UnreadablePostError

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
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "gzip":
        raw = _unpacked(raw)
    elif encoding != "identity":
        raise UnusableBody("content_encoding")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnusableBody("not_utf8") from None


def secret_of(request: HttpRequest) -> str:
    """The write key: the user name of basic authentication, without a password. Empty where there is none."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _raw(request: HttpRequest) -> bytes:
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdecimal() and int(announced[:12]) > MAX_BYTES:
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
