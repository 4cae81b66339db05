from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.staff.access import public

urlpatterns = [
    path("", public(RedirectView.as_view(pattern_name="console:home"))),
    path("admin/", admin.site.urls),
]
