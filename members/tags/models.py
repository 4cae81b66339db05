from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from members.people.models import Member
from members.tags.querysets import CarryQuerySet, TagQuerySet


class Tag(models.Model):
    """What can be said about a member in a word: by a rule, by the values of a fact, by the engine, or by hand."""

    class Kind(models.TextChoices):
        STATUS = "status", _("Status")
        BEHAVIOUR = "behaviour", _("Behaviour")
        MOTIVE = "motive", _("Motive")
        INTEREST = "interest", _("Interest")
        SOURCE = "source", _("Source")
        CUSTOM = "custom", _("Custom")

    class Tone(models.TextChoices):
        PLAIN = "", _("Neutral")
        RUN = "run", _("In progress")
        GOOD = "good", _("Good")
        WARN = "warn", _("Warning")
        BAD = "bad", _("Bad")

    class Upkeep(models.TextChoices):
        """Who says that a member carries it."""

        RULE = "rule", _("By a rule")
        VALUES = "values", _("A tag for each value")
        VALUE = "value", _("One value")
        ENGINE = "engine", _("By the lifecycle engine")
        HAND = "hand", _("By hand")

    code = models.SlugField(_("code"), max_length=32, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    upkeep = models.CharField(_("who keeps it"), max_length=8, choices=Upkeep.choices)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    tone = models.CharField(_("colour"), max_length=8, choices=Tone.choices, blank=True, default="")
    action = models.CharField(_("suggested action"), max_length=300, blank=True)
    action_zh = models.CharField(_("suggested action in Chinese"), max_length=300, blank=True)
    rule = models.JSONField(_("rule"), null=True, blank=True)
    # How the values are found; each becomes a tag of its own whose ``parent`` this one is.
    generator = models.JSONField(_("values"), null=True, blank=True)
    parent = models.ForeignKey("self", verbose_name=_("of"), null=True, blank=True, on_delete=models.PROTECT)
    rule_version = models.PositiveIntegerField(_("version"), default=0)
    is_enabled = models.BooleanField(_("switched on"), default=True)
    created_at = models.DateTimeField(_("created"))
    created_by = staff_key(_("created by"))
    updated_at = models.DateTimeField(_("updated"))
    updated_by = staff_key(_("updated by"))
    # Written by the refresh alone.
    size = models.PositiveIntegerField(_("members"), default=0)
    refreshed_at = models.DateTimeField(_("refreshed"), null=True, blank=True)
    failed_at = models.DateTimeField(_("last refresh failed"), null=True, blank=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(upkeep="rule") | Q(rule__isnull=False), name="tag_rule_is_there"),
            models.CheckConstraint(
                condition=~Q(upkeep="values") | Q(generator__isnull=False), name="tag_generator_is_there"
            ),
            models.CheckConstraint(condition=Q(parent__isnull=True) ^ Q(upkeep="value"), name="tag_value_has_parent"),
            models.UniqueConstraint(fields=["name"], condition=Q(parent__isnull=True), name="tag_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("tags:detail", args=[self.pk])


class TagVersion(models.Model):
    """A tag's rule or values as they were saved: by whom, when and why. Append-only."""

    tag = models.ForeignKey(
        Tag, verbose_name=_("tag"), on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField(_("version"))
    rule = models.JSONField(_("rule"), null=True)
    generator = models.JSONField(_("values"), null=True)
    saved_at = models.DateTimeField(_("saved"))
    saved_by = staff_key(_("saved by"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("tag version")
        verbose_name_plural = _("tag versions")
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["tag", "number"], name="tag_version_once")]

    def __str__(self) -> str:
        return f"v{self.number}"


class TagSize(models.Model):
    """How many members carried a tag from ``at`` on; a row whenever a refresh finds that somebody came or went."""

    tag = models.ForeignKey(Tag, verbose_name=_("tag"), on_delete=models.CASCADE, related_name="sizes", db_index=False)
    at = models.DateTimeField(_("at"))
    size = models.PositiveIntegerField(_("members"))
    entered = models.PositiveIntegerField(_("entered"))
    left = models.PositiveIntegerField(_("left"))

    class Meta:
        verbose_name = _("tag size")
        verbose_name_plural = _("tag sizes")
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["tag", "at"], name="tag_size_at")]

    def __str__(self) -> str:
        return f"{self.size} at {self.at:%Y-%m-%d %H:%M}"


class MemberTag(models.Model):
    """A tag a member carries or carried: since when, until when, and who said so first (``cause``).

    It is carried while a person, a rule or the engine says so: ``given_at`` is when a person gave it, null while nobody
    did or once it was taken back, and ``said_by`` holds ``rule`` and ``engine``. What a person gave only a person ends.
    The columns ``since_xid`` and ``until_xid`` (in the database only) are the cursors of those who read coming and
    going as facts.
    """

    class Code(models.TextChoices):
        """The tags the lifecycle engine gives."""

        RETURNED = "returned"
        GIFTED = "gifted"
        HIGH_FREQUENCY = "high_frequency"
        LOW_USE = "low_use"

    class Cause(models.TextChoices):
        ENGINE = "engine", _("the lifecycle engine")
        RULE = "rule", _("the rule")
        HAND = "hand", _("by hand")
        SWITCHED_OFF = "off", _("the tag was switched off")

    member = models.ForeignKey(Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="tags")
    code = models.CharField(_("tag"), max_length=32)
    # By its code, which the engine's statement writes; no column of its own.
    tag = models.ForeignObject(
        "members.Tag",
        from_fields=["code"],
        to_fields=["code"],
        on_delete=models.DO_NOTHING,
        related_name="carries",
        null=True,
        verbose_name=_("tag"),
    )
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    cause = models.CharField(_("given by"), max_length=8, choices=Cause.choices, default="engine", db_default="engine")
    until_cause = models.CharField(
        _("taken by"), max_length=8, choices=Cause.choices, blank=True, default="", db_default=""
    )
    given_at = models.DateTimeField(_("given by hand"), null=True, blank=True)
    # Where the writer does not say, the database fills it in from ``cause``.
    said_by = ArrayField(
        models.CharField(max_length=8, choices=Cause.choices), verbose_name=_("kept by"), null=True, blank=True
    )
    rule_version = models.PositiveIntegerField(_("rule version"), null=True, blank=True)
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)

    objects = CarryQuerySet.as_manager()

    class Meta:
        verbose_name = _("carried tag")
        verbose_name_plural = _("carried tags")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "code"], condition=models.Q(until__isnull=True), name="tag_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=False) | Q(given_at__isnull=False) | ~Q(said_by=[]), name="tag_kept"
            ),
        ]
        indexes = [
            models.Index(fields=["code", "member"], name="tag_code_member"),
            models.Index(fields=["code", "since"], name="tag_code_since"),
            models.Index(fields=["code", "until"], name="tag_code_until", condition=models.Q(until__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.code} of #{self.member_id}"
