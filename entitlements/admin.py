"""Raw records of entitlements, to look at: the ladder of tiers, who stands where, honours and advisers."""

from django.contrib import admin

from config.console.raw_records import ReadOnlyAdmin
from entitlements.honours.models import Adornment, AdviserAssignment, Honour, HonourAward, HonourRun
from entitlements.tiers.models import ManualTier, QualificationPolicy, TierBrake, TierChange, TierRung, TierStanding


@admin.register(QualificationPolicy)
class QualificationPolicyAdmin(ReadOnlyAdmin):
    list_display = ["version", "status", "note", "created_by", "approved_by", "activated_at"]
    list_select_related = ["created_by", "approved_by"]


@admin.register(TierRung)
class TierRungAdmin(ReadOnlyAdmin):
    list_display = ["policy", "tier", "joined_by"]
    list_select_related = ["policy", "tier"]


@admin.register(TierStanding)
class TierStandingAdmin(ReadOnlyAdmin):
    list_display = ["member", "tier", "via", "since", "until", "next_tier", "gap"]
    list_select_related = ["member", "tier", "next_tier"]
    list_filter = ["via"]


@admin.register(TierChange)
class TierChangeAdmin(ReadOnlyAdmin):
    list_display = ["member", "from_tier", "to_tier", "via", "at", "policy", "actor"]
    list_select_related = ["member", "from_tier", "to_tier", "policy", "actor"]
    list_filter = ["via"]


@admin.register(ManualTier)
class ManualTierAdmin(ReadOnlyAdmin):
    list_display = ["member", "tier", "since", "until", "ended_at", "set_by"]
    list_select_related = ["member", "tier", "set_by"]


@admin.register(TierBrake)
class TierBrakeAdmin(ReadOnlyAdmin):
    list_display = ["id", "status", "raised_at", "base_count", "moved_count", "limit_count"]


@admin.register(Adornment)
class AdornmentAdmin(ReadOnlyAdmin):
    list_display = ["benefit", "form", "style", "prominence"]
    list_select_related = ["benefit"]


@admin.register(Honour)
class HonourAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "measure", "top", "is_archived"]


@admin.register(HonourRun)
class HonourRunAdmin(ReadOnlyAdmin):
    list_display = ["honour", "year", "status", "placed", "decided_at", "decided_by"]
    list_select_related = ["honour", "decided_by"]
    list_filter = ["status"]


@admin.register(HonourAward)
class HonourAwardAdmin(ReadOnlyAdmin):
    list_display = ["run", "rank", "member", "value"]
    list_select_related = ["run", "member"]


@admin.register(AdviserAssignment)
class AdviserAssignmentAdmin(ReadOnlyAdmin):
    list_display = ["member", "adviser", "assigned_at", "ended_at"]
    list_select_related = ["member", "adviser"]
