from django.urls import path

from members.exports import views

app_name = "exports"

urlpatterns = [path("exports/members/", views.members, name="members")]
