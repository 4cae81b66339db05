"""How forms draw their widgets."""

from typing import Any

from django.forms.renderers import DjangoTemplates
from django.forms.utils import flatatt
from django.forms.widgets import Select
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe


class QuickRenderer(DjangoTemplates):
    """Django's templates, except for selects, which are written in one go.

    Django renders a template for every option: of a query form with a hundred of them that is a third of the page.
    """

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        if template_name == Select.template_name:
            return _select(context["widget"])
        return super().render(template_name, context, request)


def _select(widget: dict[str, Any]) -> SafeString:
    groups = mark_safe("".join(_group(name, options) for name, options, _index in widget["optgroups"]))  # noqa: S308
    return format_html('<select name="{}"{}>{}</select>', widget["name"], flatatt(widget["attrs"]), groups)


def _group(name: str | None, options: list[dict[str, Any]]) -> SafeString:
    written = mark_safe("".join(map(_option, options)))  # noqa: S308
    return format_html('<optgroup label="{}">{}</optgroup>', name, written) if name else written


def _option(option: dict[str, Any]) -> SafeString:
    attrs = flatatt(option["attrs"]) if option["attrs"] else ""
    return format_html('<option value="{}"{}>{}</option>', option["value"], attrs, option["label"])
