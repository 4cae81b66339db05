from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """What pages of the console are made of. Knows no app."""

    name = "config.console"
    label = "console"
