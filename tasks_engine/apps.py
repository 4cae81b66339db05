from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TasksEngineConfig(AppConfig):
    name = "tasks_engine"
    verbose_name = _("Tasks engine")
