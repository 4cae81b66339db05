from django.urls import path

from members.views import members

app_name = "members"

urlpatterns = [
    path("members/", members.member_list, name="list"),
    path("members/new/", members.member_list, name="new"),
    path("members/bulk/", members.member_list, name="bulk"),
    path("members/<int:member_id>/", members.member_list, name="detail"),
]
