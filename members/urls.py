from django.urls import path

from members.views import bulk, lifecycle, members, plans, terms

app_name = "members"

urlpatterns = [
    path("members/", members.member_list, name="list"),
    path("members/new/", members.member_new, name="new"),
    path("members/bulk/", bulk.bulk, name="bulk"),
    path("members/<int:member_id>/", members.member_detail, name="detail"),
    path("members/<int:member_id>/edit/", members.member_edit, name="edit"),
    path("members/<int:member_id>/reveal/", members.reveal, name="reveal"),
    path("members/<int:member_id>/purchase/", terms.purchase, name="purchase"),
    path("members/<int:member_id>/renew/", terms.renew, name="renew"),
    path("members/<int:member_id>/trial/", terms.trial, name="trial"),
    path("members/<int:member_id>/gift/", terms.gift, name="gift"),
    path("members/<int:member_id>/compensate/", terms.compensate, name="compensate"),
    path("members/<int:member_id>/auto-renewal/on/", terms.auto_renewal_on, name="auto-renewal-on"),
    path("members/<int:member_id>/auto-renewal/off/", terms.auto_renewal_off, name="auto-renewal-off"),
    path("members/<int:member_id>/renewal-failure/", terms.renewal_failure, name="renewal-failure"),
    path("terms/<int:term_id>/refund/", terms.refund, name="refund"),
    path("terms/<int:term_id>/void/", terms.void, name="void"),
    path("terms/<int:term_id>/change-tier/", terms.change_tier, name="change-tier"),
    path("lifecycle/policies/", lifecycle.policy_list, name="policies"),
    path("lifecycle/policies/new/", lifecycle.policy_new, name="policy-new"),
    path("lifecycle/policies/<int:policy_id>/", lifecycle.policy_detail, name="policy"),
    path("lifecycle/policies/<int:policy_id>/edit/", lifecycle.policy_edit, name="policy-edit"),
    path("lifecycle/policies/<int:policy_id>/preview/", lifecycle.policy_preview, name="policy-preview"),
    path("lifecycle/policies/<int:policy_id>/submit/", lifecycle.policy_submit, name="policy-submit"),
    path("lifecycle/policies/<int:policy_id>/approve/", lifecycle.policy_approve, name="policy-approve"),
    path("lifecycle/policies/<int:policy_id>/reject/", lifecycle.policy_reject, name="policy-reject"),
    path("lifecycle/brakes/<int:brake_id>/", lifecycle.brake_detail, name="brake"),
    path("lifecycle/brakes/<int:brake_id>/approve/", lifecycle.brake_approve, name="brake-approve"),
    path("lifecycle/brakes/<int:brake_id>/release/", lifecycle.brake_release, name="brake-release"),
    path("lifecycle/anomalies/", lifecycle.anomaly_list, name="anomalies"),
    path("settings/plans/", plans.plan_list, name="plans"),
    path("settings/plans/new/", plans.plan_new, name="plan-new"),
    path("settings/plans/<int:plan_id>/", plans.plan_edit, name="plan"),
    path("settings/tiers/new/", plans.tier_new, name="tier-new"),
    path("settings/tiers/<int:tier_id>/", plans.tier_edit, name="tier"),
]
