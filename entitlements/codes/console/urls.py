from django.urls import path

from entitlements.codes.console import views

app_name = "codes"

urlpatterns = [
    path("codes/", views.index, name="index"),
    path("codes/new/", views.new, name="new"),
    path("codes/<int:pool_id>/", views.detail, name="detail"),
    path("codes/<int:pool_id>/edit/", views.edit, name="edit"),
    path("codes/<int:pool_id>/upload/", views.upload, name="upload"),
    path("codes/reveal/<int:code_id>/", views.reveal, name="reveal"),
    path("members/<int:member_id>/codes/", views.hand_out, name="hand-out"),
]
