from django.urls import path

from campaigns.views import messages, unsubscribe

app_name = "campaigns"

urlpatterns = [
    path("console/messages/", messages.message_list, name="messages"),
    path("console/messages/stop/", messages.stop, name="stop"),
    path("console/messages/resume/", messages.resume, name="resume"),
    path("console/messages/<int:intent_id>/", messages.message_detail, name="message"),
    path("console/messages/<int:intent_id>/html/", messages.message_html, name="message-html"),
    path("console/messages/<int:intent_id>/resolve/", messages.message_resolve, name="resolve"),
    path("unsubscribe/<str:token>/", unsubscribe.one_click, name="unsubscribe"),
]
