"""Rules that were asked about but not saved: kept in the session, so that an address can name their members."""

import json
import secrets

from django.http import HttpRequest

from members.segments.schema import Rule

KEPT = 12
MAX_CHARS = 20_000
KEY = "segment_rules"


def remember(request: HttpRequest, rule: Rule) -> str:
    """Keep the rule in the session; the name by which the members list finds it, empty for one too long to keep."""
    text = json.dumps(rule.model_dump(mode="json"), ensure_ascii=False)
    if len(text) > MAX_CHARS:
        return ""
    kept = dict(request.session.get(KEY, {}))
    name = next((known for known, other in kept.items() if other == text), secrets.token_urlsafe(6))
    newest = [*((known, other) for known, other in kept.items() if known != name), (name, text)]
    request.session[KEY] = dict(newest[-KEPT:])
    return name


def recalled(request: HttpRequest, name: str) -> str:
    """The rule's JSON; empty when it is not this session's."""
    return str(request.session.get(KEY, {}).get(name, ""))
