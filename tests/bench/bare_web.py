"""What programs' requests are compared with, behind the same server: bare statements, and the usual ``bulk_create``."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction

Start = Callable[[str, list[tuple[str, str]]], object]

get_wsgi_application()

from config.engine.clock import now  # noqa: E402
from config.engine.prepared import execute_alone, execute_prepared  # noqa: E402
from entitlements.usage.querysets.consuming import CONSUME  # noqa: E402
from entitlements.usage.querysets.gating import state_of  # noqa: E402
from members.events.models import Event, EventDefinition, EventReceipt, Source  # noqa: E402
from members.people.models import Identity  # noqa: E402
from tests.bench.measuring import sql  # noqa: E402 - the models need Django to be up

_BARE = sql("ingest")


def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """``/bare`` and ``/bulk`` take a batch each, ``/consume`` and ``/state`` one member; none asks who sends it."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
    close_old_connections()
    answers = {"/bare": _bare, "/bulk": _bulk, "/consume": _consume, "/state": _state}
    stored = answers[environ["PATH_INFO"]](body)
    close_old_connections()
    answer = json.dumps({"success": True, "accepted": stored}).encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


@transaction.atomic
def _bare(body: str) -> int:
    return len(execute_prepared(_BARE, {"body": body, "source": 1}))


@transaction.atomic
def _bulk(body: str) -> int:
    """As it is usually written: parse, look up, leave out what is there, create the rest."""
    messages = json.loads(body)["batch"]
    at, source = now(), Source.objects.get(pk=1)
    users = {message["userId"] for message in messages}
    members = dict(Identity.objects.filter(kind="external_id", value__in=users).values_list("value", "member_id"))
    definitions = dict(EventDefinition.objects.values_list("name", "pk"))
    ids = {message["messageId"] for message in messages}
    known = EventReceipt.objects.filter(source=source, message_id__in=ids).values_list("message_id", flat=True)
    fresh = ids - set(known)
    EventReceipt.objects.bulk_create(
        EventReceipt(source=source, message_id=message_id, received_at=at) for message_id in sorted(fresh)
    )
    created = Event.objects.bulk_create(
        Event(
            occurred_at=datetime.fromisoformat(message["timestamp"]), received_at=at,
            member_id=members[message["userId"]], definition_id=definitions[message["event"]], source=source,
            message_id=message["messageId"], properties=message["properties"],
        )
        for message in messages if message["messageId"] in fresh
    )  # fmt: skip
    return len(created)


def _consume(body: str) -> int:
    at = now()
    return len(
        execute_alone(
            CONSUME, {"amount": 1, "used_at": at, "at": at, "origin": "api", "actor": None, **json.loads(body)}
        )
    )


def _state(body: str) -> int:
    asked = json.loads(body)
    return int(state_of(asked["member"], [asked["benefit"]], now()) is not None)
