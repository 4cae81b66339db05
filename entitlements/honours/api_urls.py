from django.urls import path

from entitlements.honours import api

app_name = "honours-api"

urlpatterns = [path("api/v1/members/<path:external_id>/honours", api.honours, name="honours")]
