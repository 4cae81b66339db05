"""Raw records of campaigns: read mostly. What may be written goes through an operation and its audit row."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns.models import (
    Campaign,
    CampaignVersion,
    Channel,
    Decision,
    DeliveryPolicy,
    Enrollment,
    MessageIntent,
    Suppression,
    Template,
    TemplateVersion,
)
from campaigns.operations.rendering import CopyError, parse
from campaigns.operations.settings import lift_suppression, publish_copy, save_channel
from config.console.http import staff_of
from config.console.raw_records import ReadOnlyAdmin
from config.engine import clock


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "status", "current_version"]
    list_select_related = ["current_version__campaign"]


@admin.register(CampaignVersion)
class CampaignVersionAdmin(ReadOnlyAdmin):
    list_display = ["campaign", "number", "published_at", "created_by"]
    list_select_related = ["campaign", "created_by"]


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnlyAdmin):
    list_display = ["id", "member", "campaign", "anchor_at", "exit_reason", "goal_at"]
    list_select_related = ["member", "campaign"]
    list_filter = ["exit_reason"]


@admin.register(MessageIntent)
class MessageIntentAdmin(ReadOnlyAdmin):
    list_display = ["id", "member", "step_key", "status", "reason", "due_at"]
    list_select_related = ["member"]
    list_filter = ["status", "channel"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ["id", "intent", "at", "move", "reason", "actor"]
    list_select_related = ["intent", "actor"]


@admin.register(DeliveryPolicy)
class DeliveryPolicyAdmin(ReadOnlyAdmin):
    list_display = ["id", "is_sending_stopped", "stopped_at", "stopped_by"]
    list_select_related = ["stopped_by"]


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin):
    list_display = ["code", "is_enabled", "default_consent", "max_workers", "timeout_seconds"]
    readonly_fields = ["code"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Channel, form: forms.ModelForm, change: bool) -> None:
        save_channel(channel=obj, changed=form.changed_data, actor=staff_of(request), at=clock.now())


@admin.register(Template)
class TemplateAdmin(ReadOnlyAdmin):
    list_display = ["code", "channel", "name"]


class CopyForm(forms.ModelForm):
    """New words; refused when they are no valid Liquid."""

    class Meta:
        model = TemplateVersion
        fields = ["template", "language", "subject", "body_text", "body_html"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        try:
            parse(values.get("subject", ""), values.get("body_text", ""), values.get("body_html", ""))
        except CopyError as error:
            raise forms.ValidationError(_("This is not valid Liquid: %(why)s"), params={"why": error}) from error
        return values


@admin.register(TemplateVersion)
class TemplateVersionAdmin(ReadOnlyAdmin):
    """A version is added, never changed."""

    form = CopyForm
    list_display = ["template", "language", "number", "subject", "published_at"]
    list_select_related = ["template"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def save_model(self, request: HttpRequest, obj: TemplateVersion, form: forms.ModelForm, change: bool) -> None:
        published = publish_copy(actor=staff_of(request), at=clock.now(), **form.cleaned_data)
        obj.pk, obj.number = published.pk, published.number


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    list_display = ["id", "channel", "cause", "since", "lifted_at"]
    list_filter = ["channel", "cause"]
    search_fields = ["=address"]
    actions = ["allow_again"]

    @admin.action(description=_("Allow the selected addresses again"), permissions=["lift"])
    def allow_again(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> None:
        ids = queryset.values_list("pk", flat=True)
        lifted = sum(lift_suppression(suppression_id=pk, actor=staff_of(request), at=clock.now()) for pk in ids)
        said = ngettext("%(n)s address is allowed again.", "%(n)s addresses are allowed again.", lifted) % {"n": lifted}
        self.message_user(request, said, messages.SUCCESS)

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request)
