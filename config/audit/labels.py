"""What the actions of the audit log are called. Each app registers the words for its own in ``AppConfig.ready``."""

from collections.abc import Mapping

from django.utils.functional import Promise

Label = str | Promise

_labels: dict[str, Label] = {}


def register_actions(labels: Mapping[str, Label]) -> None:
    """Add labels by action code (``"term.paid"``)."""
    _labels.update(labels)


def label_of(action: str) -> str:
    """The words for an action; its code when nobody registered any."""
    return str(_labels.get(action, action))


def known_actions() -> list[tuple[str, str]]:
    """Every registered (code, label), by label."""
    return sorted(((code, str(label)) for code, label in _labels.items()), key=lambda pair: pair[1])
