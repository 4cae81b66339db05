"""What a write key may be for. Each app registers the scopes of its own interfaces in ``AppConfig.ready``."""

from django.utils.functional import Promise

from config.engine.registry import Registry
from members.events.models import WriteKey

Label = str | Promise

SCOPES: Registry[Label] = Registry("scopes")
for _scope in WriteKey.Scope:
    SCOPES.register(_scope.label, code=_scope.value)


def label_of(code: str) -> Label:
    """What a scope is called."""
    return SCOPES.get(code) or code
