from django.urls import path

from members.exports.console import views

app_name = "exports"

urlpatterns = [path("exports/members/", views.members, name="members")]
