"""What the actions of the audit log are called. Each app registers the words for its own in ``AppConfig.ready``."""

from collections.abc import Mapping

from django.utils.functional import Promise

from config.engine.registry import Registry

Label = str | Promise

ACTIONS: Registry[Label] = Registry("actions")


def register_actions(labels: Mapping[str, Label]) -> None:
    """Add labels by action code (``"term.paid"``)."""
    for code, label in labels.items():
        ACTIONS.register(label, code=code)


def label_of(action: str) -> str:
    """The words for an action; its code when nobody registered any."""
    return str(ACTIONS.get(action) or action)


def known_actions() -> list[tuple[str, str]]:
    """Every registered (code, label), by label."""
    return sorted(((code, str(label)) for code, label in ACTIONS.items()), key=lambda pair: pair[1])
