from django.urls import path

from members.merging.console import views

app_name = "merging"

urlpatterns = [
    path("duplicates/", views.pair_list, name="index"),
    path("duplicates/find/", views.find, name="find"),
    path("duplicates/<int:pair_id>/", views.pair_detail, name="pair"),
    path("duplicates/<int:pair_id>/merge/", views.merge, name="merge"),
    path("duplicates/<int:pair_id>/dismiss/", views.dismiss, name="dismiss"),
    path("duplicates/<int:pair_id>/reopen/", views.reopen, name="reopen"),
    path("merges/<int:record_id>/undo/", views.undo, name="undo"),
    path("merges/<int:record_id>/checked/", views.check, name="check"),
]
