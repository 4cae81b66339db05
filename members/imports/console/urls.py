from django.urls import path

from members.imports.console import views

app_name = "imports"

urlpatterns = [
    path("imports/", views.index, name="index"),
    path("imports/new/", views.new, name="new"),
    path("imports/<int:run_id>/", views.detail, name="detail"),
    path("imports/<int:run_id>/layout/", views.layout, name="layout"),
    path("imports/<int:run_id>/check/", views.check, name="check"),
    path("imports/<int:run_id>/reopen/", views.reopen, name="reopen"),
    path("imports/<int:run_id>/check-again/", views.check_again, name="check-again"),
    path("imports/<int:run_id>/confirm/", views.confirm, name="confirm"),
    path("imports/<int:run_id>/discard/", views.discard, name="discard"),
    path("imports/<int:run_id>/undo/", views.undo, name="undo"),
    path("imports/<int:run_id>/create-tiers/", views.create_tiers, name="create-tiers"),
    path("imports/<int:run_id>/issues.csv", views.issues_csv, name="issues"),
    path("imports/<int:run_id>/members/", views.written_members, name="members"),
]
