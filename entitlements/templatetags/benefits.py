"""How benefits are written in pages."""

from django import template

from entitlements.benefits.models import Benefit
from entitlements.benefits.words import amount_text, level_text, unit_of

register = template.Library()


@register.filter
def unit(benefit: Benefit) -> str:
    """What the benefit is counted in, in the reader's language."""
    return unit_of(benefit)


@register.filter
def amount(benefit: Benefit, amount: int) -> str:
    """A number of the benefit with its unit."""
    return amount_text(benefit, amount)


@register.filter
def level(benefit: Benefit, level: str) -> str:
    """A level of the benefit with its unit."""
    return level_text(benefit, level)
