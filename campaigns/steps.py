"""What a step of a cadence is called. Keys are ``<step>.<channel>``; a step ``d7`` is seven days before."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.engine.ids import read_number

STEPS = ("d7", "d3", "d1", "d0", "failed")


def step_label(step_key: str) -> str:
    """The step in words: "7 days before", "on the day"; the key itself when it says no number of days."""
    step = step_key.partition(".")[0]
    if step == "failed":
        return _("Automatic renewal failed")
    days = read_number(step[1:], most=9_999)
    if not step.startswith("d") or days is None:
        return step
    if days == 0:
        return _("On the day")
    return ngettext("%(n)s day before", "%(n)s days before", days) % {"n": days}
