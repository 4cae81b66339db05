from django.urls import path

from entitlements.honours.api import views

app_name = "honours-api"

urlpatterns = [path("api/v1/members/<path:external_id>/honours", views.honours, name="honours")]
