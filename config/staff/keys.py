"""How a model names the member of staff who did something."""

from typing import Any

from django.conf import settings
from django.db import models


def staff_key(label: Any, *, null: bool = True, related_name: str = "+", **options: Any) -> models.ForeignKey:
    """A foreign key to the staff user, who cannot be deleted while it stands; empty for what nobody did by hand."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=label, null=null, blank=options.pop("blank", null),
        on_delete=models.PROTECT, related_name=related_name, **options,
    )  # fmt: skip
