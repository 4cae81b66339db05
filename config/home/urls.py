"""The pages that config composes from every app."""

from django.urls import path

from config.home.views import audit, home, search

app_name = "console"

urlpatterns = [
    path("", home.home, name="home"),
    path("search/", search.palette, name="search"),
    path("find/<slug:in_list>/", search.find, name="find"),
    path("audit/", audit.audit_log, name="audit"),
]
