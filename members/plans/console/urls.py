from django.urls import path

from members.plans.console import views

urlpatterns = [
    path("settings/plans/", views.plan_list, name="plans"),
    path("settings/plans/new/", views.plan_new, name="plan-new"),
    path("settings/plans/<int:plan_id>/", views.plan_edit, name="plan"),
    path("settings/tiers/new/", views.tier_new, name="tier-new"),
    path("settings/tiers/<int:tier_id>/", views.tier_edit, name="tier"),
]
