"""Benefits with their figures: the list, one benefit, counting anew."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.staff.access import Permission, requires
from entitlements.insight.console.pages import BenefitPortrait, Overview
from entitlements.insight.tasks import count_benefit_figures


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """Every benefit with its figures, the heat map and the bottom five."""
    return render(request, "benefits/index.html", {"overview": Overview(clock.now())})


@requires(Permission.VIEW)
@require_safe
def detail(request: StaffRequest, benefit_id: int) -> HttpResponse:
    portrait = BenefitPortrait(benefit_id, at=clock.now())
    return render(request, "benefits/detail.html", {"portrait": portrait, "benefit": portrait.benefit})


@requires(Permission.OPERATE)
@require_POST
def count(request: StaffRequest) -> HttpResponse:
    """Have the figures counted anew now."""
    count_benefit_figures.delay_on_commit()
    messages.success(request, _("The figures are being counted. Reload in a moment."))
    return redirect("benefits:index")
