"""What admins set up: channels, copy, and addresses that may be written to again."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from campaigns.models import Channel, Suppression, Template, TemplateVersion
from campaigns.operations.rendering import parse
from config.audit.record import audit
from config.staff.models import User


@transaction.atomic
def save_channel(*, channel: Channel, changed: Iterable[str], actor: User, at: datetime) -> Channel:
    """Store a channel's settings; in force for the next claim. The audit row holds the new values."""
    channel.save()
    values = {name: getattr(channel, name) for name in changed}
    audit(channel, "channel.saved", actor=actor, at=at, **values)
    return channel


@transaction.atomic
def publish_copy(
    *, template: Template, language: str, subject: str, body_text: str, body_html: str, actor: User, at: datetime
) -> TemplateVersion:
    """Publish new words for a template in a language; messages claimed from now on use them.

    Raises CopyError when one of the parts is no valid Liquid. Versions are never changed: what was sent stays readable.
    """
    parse(subject, body_text, body_html)
    Template.objects.select_for_update().get(pk=template.pk)
    latest = template.versions.filter(language=language).aggregate(latest=Max("number"))["latest"] or 0
    version = TemplateVersion.objects.create(
        template=template, language=language, number=latest + 1, subject=subject, body_text=body_text,
        body_html=body_html, published_at=at, created_by=actor,
    )  # fmt: skip
    audit(template, "template.published", actor=actor, at=at, language=language, number=version.number)
    return version


@transaction.atomic
def lift_suppression(*, suppression_id: int, actor: User, at: datetime) -> bool:
    """Allow an address again; a withdrawn consent stays withdrawn. Returns whether it was suppressed."""
    lifted = Suppression.objects.standing().filter(pk=suppression_id).update(lifted_at=at)
    if lifted:
        audit(Suppression.objects.get(pk=suppression_id), "suppression.lifted", actor=actor, at=at)
    return bool(lifted)
