"""The admin over members: records to read, and import and export through the wizard's pipeline.

Nothing is edited here. Changes go through the console, where each is an operation with its audit row.
"""

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportMixin

from config.audit.models import AuditEntry
from config.audit.record import audit_at_large, kind_of
from config.console.http import staff_of
from config.console.raw_records import ReadOnlyAdmin
from config.engine import clock
from config.engine.money import money_text, project_currency
from config.staff.access import Permission
from members.events.models import EventDefinition, Source
from members.exports.models import EventRecord
from members.imports.models import ImportRun
from members.lifecycle.models import LifecyclePolicy, LifecycleTransition, MemberLifecycle, SweepBrake
from members.people.models import Consent, Identity, Member
from members.people.rules import last_day
from members.plans.models import Plan, Tier
from members.resources import AnyCsv, EventResource, MemberResource, SafeXlsx, TermResource
from members.tags.models import MemberTag
from members.terms.models import MembershipTerm, MemberSignal


class PipelineAdmin(ImportExportMixin, ReadOnlyAdmin):
    """Records that come and go as files. Rows are logged by the import's audit row, not one by one."""

    skip_admin_log = True
    import_formats = (AnyCsv, SafeXlsx)
    export_formats = (AnyCsv, SafeXlsx)

    def has_import_permission(self, request: HttpRequest) -> bool:
        return staff_of(request).may(Permission.IMPORT)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return staff_of(request).may(Permission.EXPORT) and staff_of(request).may(Permission.REVEAL)

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet, **kwargs: Any) -> Any:
        """The file, once the export is in the audit log."""
        facts = {"rows": queryset.count(), "format": file_format.get_extension(), "revealed": True}
        audit_at_large(f"{kind_of(self.model)}.exported", actor=staff_of(request), at=clock.now(), **facts)
        return super().get_export_data(file_format, request, queryset, **kwargs)


@admin.register(Member)
class MemberAdmin(PipelineAdmin):
    resource_classes = [MemberResource]
    list_display = ["id", "display_name", "city", "channel", "registered_at", "is_demo"]
    list_filter = ["is_demo", "gender"]
    search_fields = ["=id", "display_name"]
    ordering = ["-id"]

    def get_export_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_export_queryset(request).prefetch_related("identities")


@admin.register(MembershipTerm)
class TermAdmin(PipelineAdmin):
    resource_classes = [TermResource]
    list_display = ["id", "member_id", "kind", "tier", "plan", "starts_at", "last_on", "close_reason"]
    list_filter = ["kind", "tier", "close_reason"]
    list_select_related = ["tier", "plan", "member__lifecycle"]
    search_fields = ["=member__id", "=external_ref"]
    ordering = ["-id"]

    @admin.display(description=_("Last day"), ordering="ends_at")
    def last_on(self, term: MembershipTerm) -> date:
        return last_day(term.ends_at, term.member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE)

    def get_export_queryset(self, request: HttpRequest) -> QuerySet:
        queryset = super().get_export_queryset(request).not_voided()
        return queryset.select_related("plan", "tier", "member").prefetch_related("member__identities")


@admin.register(EventRecord)
class EventAdmin(PipelineAdmin):
    resource_classes = [EventResource]
    list_display = ["id", "member_id", "definition", "source", "occurred_at", "amount"]
    list_filter = ["definition", "source"]
    list_select_related = ["definition", "source"]
    search_fields = ["=member__id", "=message_id"]
    ordering = ["-id"]

    def get_export_queryset(self, request: HttpRequest) -> QuerySet:
        queryset = super().get_export_queryset(request).select_related("definition", "source", "member")
        return queryset.prefetch_related("member__identities")

    @admin.display(description=_("Value"))
    def amount(self, event: EventRecord) -> str:
        return money_text(event.value_cents, event.currency or project_currency())


@admin.register(MemberLifecycle)
class LifecycleAdmin(ReadOnlyAdmin):
    list_display = [
        "member_id",
        "lifecycle_state",
        "target_state",
        "membership_status",
        "tier",
        "last_on",
        "next_due_at",
    ]
    list_filter = ["lifecycle_state", "membership_status"]
    list_select_related = ["tier"]
    search_fields = ["=member__id"]
    ordering = ["-member_id"]

    @admin.display(description=_("Last day"), ordering="expiration_time")
    def last_on(self, life: MemberLifecycle) -> date | None:
        end = life.expiration_time
        return last_day(end, life.time_zone or settings.PROJECT_TIME_ZONE) if end else None


@admin.register(LifecycleTransition)
class TransitionAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "member_id",
        "from_state",
        "to_state",
        "move",
        "rule",
        "policy",
        "effective_at",
        "recorded_at",
    ]
    list_filter = ["to_state", "rule"]
    list_select_related = ["policy"]
    search_fields = ["=member__id"]
    ordering = ["-id"]


@admin.register(Identity)
class IdentityAdmin(ReadOnlyAdmin):
    list_display = ["id", "member_id", "kind", "created_at"]
    list_filter = ["kind"]
    search_fields = ["=member__id", "=value"]
    ordering = ["-id"]


@admin.register(MemberSignal)
class SignalAdmin(ReadOnlyAdmin):
    list_display = ["id", "member_id", "kind", "at", "recorded_by"]
    list_filter = ["kind"]
    list_select_related = ["recorded_by"]
    search_fields = ["=member__id"]
    ordering = ["-id"]


@admin.register(MemberTag)
class TagAdmin(ReadOnlyAdmin):
    list_display = ["id", "member_id", "code", "since", "until"]
    list_filter = ["code"]
    search_fields = ["=member__id"]
    ordering = ["-id"]


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ["id", "member_id", "channel", "is_granted", "changed_at", "source"]
    list_filter = ["channel", "is_granted"]
    search_fields = ["=member__id"]
    ordering = ["-id"]


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "tier", "duration_count", "duration_unit", "price", "is_sold"]
    list_select_related = ["tier"]

    @admin.display(description=_("Price"), ordering="price_cents")
    def price(self, plan: Plan) -> str:
        return money_text(plan.price_cents, plan.currency)


@admin.register(Tier)
class TierAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "name_zh", "position"]


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "is_activity_source", "connected_at", "last_event_at"]


@admin.register(EventDefinition)
class EventDefinitionAdmin(ReadOnlyAdmin):
    list_display = ["name", "label", "label_zh", "is_activity"]


@admin.register(LifecyclePolicy)
class PolicyAdmin(ReadOnlyAdmin):
    list_display = ["version", "status", "note", "created_by", "approved_by", "activated_at"]
    list_select_related = ["created_by", "approved_by"]


@admin.register(SweepBrake)
class BrakeAdmin(ReadOnlyAdmin):
    list_display = ["id", "status", "raised_at", "held_count", "decided_by", "decided_at"]
    list_select_related = ["decided_by"]


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "file_name",
        "profile",
        "status",
        "rows_read",
        "created_count",
        "updated_count",
        "created_at",
        "created_by",
    ]
    list_filter = ["profile", "status"]
    list_select_related = ["created_by"]


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    list_display = ["at", "actor", "action", "target_type", "target_id", "member_id"]
    list_filter = ["action"]
    list_select_related = ["actor"]
    search_fields = ["=member_id", "=target_id"]
