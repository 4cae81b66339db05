"""The pages that config composes from every app."""

from django.urls import path

from config.views import home

app_name = "console"

urlpatterns = [
    path("", home.home, name="home"),
]
