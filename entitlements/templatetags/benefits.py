"""How benefits are written in pages."""

from django import template

from config.engine.naming import in_chinese
from entitlements.benefits.models import Benefit

register = template.Library()


@register.filter
def unit(benefit: Benefit) -> str:
    """What the benefit is counted in, in the reader's language."""
    return (in_chinese() and benefit.unit_zh) or benefit.unit
