from django.urls import path

from campaigns.views import unsubscribe

app_name = "campaigns"

urlpatterns = [
    path("unsubscribe/<str:token>/", unsubscribe.one_click, name="unsubscribe"),
]
