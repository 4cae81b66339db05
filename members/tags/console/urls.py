from django.urls import path

from members.tags.console import views

app_name = "tags"

urlpatterns = [
    path("tags/", views.index, name="index"),
    path("tags/new/", views.new, name="new"),
    path("tags/new/values/", views.new_values, name="new-values"),
    path("tags/<int:tag_id>/", views.detail, name="detail"),
    path("tags/<int:tag_id>/edit/", views.edit, name="edit"),
    path("tags/<int:tag_id>/off/", views.switch_off, name="off"),
    path("tags/<int:tag_id>/on/", views.switch_on, name="on"),
    path("members/<int:member_id>/tags/<int:tag_id>/", views.why, name="why"),
    path("members/<int:member_id>/tags/give/", views.give, name="give"),
    path("members/<int:member_id>/tags/take/", views.take, name="take"),
]
