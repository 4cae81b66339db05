from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    default_site = "config.admin.ConsoleAdminSite"


class RoofConfig(AppConfig):
    """The roof: composes the apps into the console; owns no one else's rules."""

    name = "config"
    label = "roof"

    def ready(self) -> None:
        from config.home import hooks

        hooks.register()
