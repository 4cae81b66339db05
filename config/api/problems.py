"""What a program is told that asked for something it cannot have."""

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, JsonResponse

_STATUS = {
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "content_encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}


def status_of(code: str) -> HTTPStatus:
    """The status that says why a request could not be read, 400 where none says more."""
    return _STATUS.get(code, HTTPStatus.BAD_REQUEST)


class Problem(Exception):
    """Answered instead of the thing asked for, from wherever it is found out."""

    def __init__(self, code: str, status: HTTPStatus, **members: Any) -> None:
        self.code, self.status, self.members = code, status, members
        super().__init__(code)

    def response(self) -> HttpResponse:
        return problem(self.code, self.status, **self.members)


def details(code: str, status: HTTPStatus, **members: Any) -> dict[str, Any]:
    """RFC 9457 problem details, with the two members Segment's own clients print."""
    return {
        "type": "about:blank", "title": status.phrase, "status": status, "code": code, "message": status.phrase,
        **members,
    }  # fmt: skip


def problem(code: str, status: HTTPStatus | None = None, **members: Any) -> HttpResponse:
    """The answer that says so."""
    status = status or status_of(code)
    body = details(code, status, **members)
    return asking_for_key(JsonResponse(body, status=status, content_type="application/problem+json"))


def asking_for_key(response: HttpResponse) -> HttpResponse:
    """The response; where it says 401, with the way to sign in."""
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Basic realm="write key"'
    return response
