"""Where a tag is used, and where tags use segments."""

from django.utils.translation import gettext_lazy as _

from config.engine.naming import name_of
from members.segments.cycles import Thing, readers_of
from members.segments.holders import HOLDERS, RuleHolder
from members.segments.models import Segment
from members.segments.references import USERS, Use, User
from members.tags.models import Tag


def register_all() -> None:
    """A tag's rule reads segments, which are not archived meanwhile, and counters."""
    HOLDERS.register(
        RuleHolder(
            "tag",
            lambda: Tag.objects.refreshable().filter(rule__isnull=False).values_list("code", "rule"),
            _("This tag leads back to the one you are editing."),
        )
    )
    USERS.register(
        User("tag", Tag._meta.verbose_name_plural or "", lambda segment_id: _tags_reading(("segment", segment_id)))
    )


def uses_of(tag: Tag) -> list[Use]:
    """The segments and other tags whose rule reads the tag or one of its values."""
    codes = [tag.code, *Tag.objects.filter(parent=tag).values_list("code", flat=True)]
    readers = readers_of(("tag", code) for code in codes)
    segments = Segment.objects.filter(pk__in=[key for kind, key in readers if kind == "segment"]).order_by("name")
    tags = Tag.objects.filter(code__in=[key for kind, key in readers if kind == "tag"])
    found: list[Segment | Tag] = [*segments, *tags]
    return [Use(name_of(thing), thing.get_absolute_url()) for thing in found]


def _tags_reading(thing: Thing) -> list[Use]:
    codes = [key for kind, key in readers_of([thing]) if kind == "tag"]
    return [Use(name_of(tag), tag.get_absolute_url()) for tag in Tag.objects.filter(code__in=codes)]
