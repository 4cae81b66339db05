"""A source with a key, and a client that speaks the tracking API with it."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from members.events.models import Source
from members.events.operations.keys import make_key
from tests import factories

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)


@pytest.fixture
def source(db) -> Source:
    return factories.SourceFactory(creates_members=True)


@pytest.fixture
def secret(source, admin) -> str:
    return make_key(source_id=source.pk, label="App", scopes=["events", "profiles"], actor=admin, at=AT)[1]


def basic(secret: str) -> str:
    return "Basic " + base64.b64encode(f"{secret}:".encode()).decode()


@pytest.fixture
def send(secret) -> Callable[..., Any]:
    """``send(body, kind="batch", at=…)``: one request; a dict or list is sent as JSON, a list as a batch."""

    def request(body: Any, *, kind: str = "batch", key: str = secret, at: datetime = AT, **headers: str) -> Any:
        if isinstance(body, list):
            body = {"batch": body}
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        with time_machine.travel(at, tick=False):
            return Client(raise_request_exception=True, enforce_csrf_checks=True).post(
                f"/v1/{kind}", body, content_type="application/json", headers={"authorization": basic(key), **headers}
            )

    return request


def track(n: int, user: str = "u1", event: str = "opened", **rest: Any) -> dict[str, Any]:
    return {
        "type": "track", "userId": user, "event": event, "messageId": f"m{n}", "timestamp": AT.isoformat(), **rest,
    }  # fmt: skip
