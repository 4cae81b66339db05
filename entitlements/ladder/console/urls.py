from django.urls import path

from entitlements.ladder.console import views
from entitlements.ladder.console.pages import LADDER

app_name = "ladder"

urlpatterns = [
    path("ladder/", views.index, name="index"),
    path("ladder/history/", views.history, name="history"),
    path("ladder/plans/new/", views.addition_new, name="addition-new"),
    path("ladder/plans/<slug:plan>/<slug:benefit>/", views.addition, name="addition"),
    path("ladder/tiers/<slug:tier>/members/", views.standing, name="standing"),
    path("ladder/tiers/<slug:tier>/benefits/<slug:benefit>/", views.cell, name="cell"),
    path("ladder/tiers/<slug:tier>/benefits/<slug:benefit>/members/", views.cell_members, name="cell-members"),
    path("ladder/plans/<slug:plan>/<slug:benefit>/members/", views.addition_members, name="addition-members"),
    path("ladder/versions/<int:version_id>/submit/", views.submit, name="submit"),
    path("ladder/versions/<int:version_id>/discard/", views.discard, name="discard"),
    *LADDER.decision_urls("ladder/versions/"),
    *LADDER.members_urls("ladder/versions/"),
]
