from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Right, Upper
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from members.people.querysets.people import PHONE_TAIL, CurrentIdentities, MemberQuerySet, StandingMembers


class Member(models.Model):
    """A person who has, had or may have a membership: the profile, apart from the hot lifecycle row."""

    class Gender(models.TextChoices):
        UNKNOWN = "", _("Not said")
        FEMALE = "female", _("Female")
        MALE = "male", _("Male")
        OTHER = "other", _("Other")

    display_name = models.CharField(_("name"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True)
    gender = models.CharField(_("gender"), max_length=8, choices=Gender.choices, blank=True, default="")
    birthday_on = models.DateField(_("birthday"), null=True, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    channel = models.CharField(_("source channel"), max_length=80, blank=True)
    registered_at = models.DateTimeField(_("registered"), null=True, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    is_demo = models.BooleanField(_("demo data"), default=False, editable=False)
    # Of one merged into another member: all that is left of her, without identities and lifecycle row. Whoever is
    # erased takes these rows and the records of merges along: they hold what is hers.
    merged_into = models.ForeignKey(
        "self", verbose_name=_("merged into"), null=True, blank=True, editable=False, on_delete=models.CASCADE,
        related_name="absorbed", db_index=False,
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("updated"))

    # Nobody who was merged into another: the default, so that no list, count, segment or export forgets it.
    objects = StandingMembers()
    every = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        indexes = [
            models.Index(fields=["registered_at", "id"], name="member_registered"),
            GinIndex(OpClass(Upper("display_name"), name="gin_trgm_ops"), name="member_name_trigram"),
            # Counting members reads an index alone, as it would without merging.
            models.Index(fields=["id"], name="member_standing", condition=models.Q(merged_into__isnull=True)),
            models.Index(fields=["merged_into"], name="member_merged", condition=models.Q(merged_into__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.display_name or f"#{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("members:detail", args=[self.pk])


class Identity(models.Model):
    """One way to recognise a member. ``value`` is normalised: lower-case address, E.164-like phone."""

    class Kind(models.TextChoices):
        EXTERNAL_ID = "external_id", _("External id")
        EMAIL = "email", _("Email")
        PHONE = "phone", _("Phone")
        OPENID = "openid", _("WeChat openid")
        UNIONID = "unionid", _("WeChat unionid")
        ANONYMOUS_ID = "anonymous_id", _("Anonymous id")

    member = models.ForeignKey(Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    value = models.CharField(_("value"), max_length=200)
    # One she came with from a merge beside her own of the kind: she is still found by it, and not reached.
    is_former = models.BooleanField(_("former"), default=False, db_default=False)
    created_at = models.DateTimeField(_("created"))

    objects = CurrentIdentities()
    every: "models.Manager[Identity]" = models.Manager()

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            models.UniqueConstraint(fields=["kind", "value"], name="identity_kind_value"),
            models.UniqueConstraint(
                fields=["member", "kind"],
                condition=models.Q(kind__in=["external_id", "email", "phone"], is_former=False),
                name="identity_one_per_kind",
            ),
        ]
        indexes = [
            models.Index(Right("value", PHONE_TAIL), condition=models.Q(kind="phone"), name="identity_phone_tail"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of #{self.member_id}"


class Consent(models.Model):
    """What a member said last about being contacted through a channel. No row: the project's default."""

    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="consents", db_index=False
    )
    channel = models.CharField(_("channel"), max_length=16)
    is_granted = models.BooleanField(_("granted"))
    changed_at = models.DateTimeField(_("changed"))
    source = models.CharField(_("where it was said"), max_length=64)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [models.UniqueConstraint(fields=["member", "channel"], name="consent_member_channel")]

    def __str__(self) -> str:
        return f"{self.channel} of #{self.member_id}"
