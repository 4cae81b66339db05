from django.urls import path

from members.people.console.views import members as views

urlpatterns = [
    path("members/", views.member_list, name="list"),
    path("members/new/", views.member_new, name="new"),
    path("members/<int:member_id>/", views.member_detail, name="detail"),
    path("members/<int:member_id>/edit/", views.member_edit, name="edit"),
    path("members/<int:member_id>/reveal/", views.reveal, name="reveal"),
]
