"""What a write key may be for. Each app registers the scopes of its own interfaces in ``AppConfig.ready``."""

from django.utils.functional import Promise

from members.events.models import WriteKey

Label = str | Promise

_scopes: dict[str, Label] = dict(WriteKey.Scope.choices)


def register(code: str, label: Label) -> None:
    """Offer a scope for new keys; a second time under the code replaces it."""
    _scopes[code] = label


def offered() -> list[tuple[str, Label]]:
    """Every scope with its label, in order of registration."""
    return list(_scopes.items())


def label_of(code: str) -> Label:
    """What a scope is called."""
    return _scopes.get(code, code)
