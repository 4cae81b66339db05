"""The ladder: what each tier and plan gives, changed in a draft that a second person approves."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.ids import read_id
from config.staff.access import Permission, requires
from entitlements.benefits.models import FREE, Benefit, LadderVersion
from entitlements.grants.models import Standing
from entitlements.ladder import operations
from entitlements.ladder.changes import Cell
from entitlements.ladder.console.editing import EDITED, EditedCell
from entitlements.ladder.console.forms import NewAdditionForm, SubmitForm
from entitlements.ladder.console.history import History
from entitlements.ladder.console.matrix import Ladder, stairs
from entitlements.ladder.console.pages import LADDER
from members.plans.models import Plan, Tier

VIEWS = ("allowance", "cost", "use")
MEMBERS_SHOWN = 50


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """The matrix, as it is or as the draft would have it."""
    asked = request.GET.get("view", "")
    view = asked if asked in VIEWS else VIEWS[0]
    template = "ladder/index.html#matrix" if request.htmx else "ladder/index.html"
    ladder = Ladder(clock.now())
    context = {"ladder": ladder, "view": view, "options": _options(view)}
    if ladder.coming is not None:
        context |= LADDER.decision_context(ladder.coming, request.user)
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.PROPOSE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def cell(request: StaffRequest, tier: str, benefit: str) -> HttpResponse:
    """One cell in the drawer: what it gives, whom a change touches, what it costs, and the stairs."""
    on = None if tier == FREE else get_object_or_404(Tier, code=tier)
    return _cell_page(request, get_object_or_404(Benefit, code=benefit), on, None)


@requires(Permission.PROPOSE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def addition(request: StaffRequest, plan: str, benefit: str) -> HttpResponse:
    """What a plan gives beyond its tier."""
    return _cell_page(request, get_object_or_404(Benefit, code=benefit), None, get_object_or_404(Plan, code=plan))


@requires(Permission.PROPOSE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def addition_new(request: StaffRequest) -> HttpResponse:
    form = NewAdditionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        return redirect("ladder:addition", data["plan"].code, data["benefit"].code)
    context = {"form": form}
    return render(request, "ladder/addition.html", context, status=422 if form.errors else 200)


@requires(Permission.PROPOSE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: StaffRequest, version_id: int) -> HttpResponse:
    """Everything a draft changes with whom it touches, and the request to a second person."""
    draft = get_object_or_404(LadderVersion, pk=version_id, status=LadderVersion.Status.DRAFT)
    at = clock.now()
    form = SubmitForm(request.POST if request.method == "POST" else None, at=at)
    if form.is_valid():
        decide = partial(operations.submit_ladder, version_id=draft.pk, actor=request.user, at=at)
        submit = partial(decide, **form.cleaned_data)
        return LADDER.decide(request, draft.pk, submit, _("The ladder waits for a second person."))
    context = {"form": form, "ladder": Ladder(at)}
    return render(request, "ladder/submit.html", context, status=422 if form.errors else 200)


@requires(Permission.PROPOSE_POLICY)
@require_POST
def discard(request: StaffRequest, version_id: int) -> HttpResponse:
    decide = partial(operations.REVIEW.discard, version_id, actor=request.user, at=clock.now())
    return LADDER.decide(request, version_id, decide, _("The draft is thrown away."))


@requires(Permission.VIEW)
@require_safe
def history(request: StaffRequest) -> HttpResponse:
    """Every version, what it changed and who decided."""
    return render(request, "ladder/history.html", {"history": History()})


@requires(Permission.VIEW)
@require_safe
def standing(request: StaffRequest, tier: str) -> HttpResponse:
    """The members who stand on a tier, and through what."""
    on = None if tier == FREE else get_object_or_404(Tier, code=tier)
    after = read_id(request.GET.get("after", ""))
    rows = Standing.objects.on(on).beyond(after or 0)[: MEMBERS_SHOWN + 1]
    shown = list(rows)[:MEMBERS_SHOWN]
    context = {
        "tier": on, "standings": shown, "now": clock.now(),
        "next": f"?after={shown[-1].pk}" if len(rows) > MEMBERS_SHOWN else "",
    }  # fmt: skip
    return render(request, "ladder/standing.html", context)


@requires(Permission.VIEW)
@require_safe
def cell_members(request: StaffRequest, tier: str, benefit: str) -> HttpResponse:
    """The members whom a cell as the address says it would touch, whether or not it is in the draft."""
    on = None if tier == FREE else get_object_or_404(Tier, code=tier)
    return _cell_members(request, get_object_or_404(Benefit, code=benefit), on, None)


@requires(Permission.VIEW)
@require_safe
def addition_members(request: StaffRequest, plan: str, benefit: str) -> HttpResponse:
    """The same of what a plan gives beyond its tier."""
    return _cell_members(request, get_object_or_404(Benefit, code=benefit), None, get_object_or_404(Plan, code=plan))


def _cell_members(request: StaffRequest, benefit: Benefit, tier: Tier | None, plan: Plan | None) -> HttpResponse:
    edited = EditedCell(Ladder(clock.now()), benefit, tier, plan, request.GET if EDITED in request.GET else None)
    change = edited.change()
    changes = edited.ladder.foresee(change) if change else None
    back = {"href": reverse("ladder:index"), "label": _("Tiers & benefits")}
    return LADDER.members_page(request, changes, None, back=back, kept=edited.query())


def _cell_page(request: StaffRequest, benefit: Benefit, tier: Tier | None, plan: Plan | None) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET if "preview" in request.GET else None
    edited = EditedCell(Ladder(clock.now()), benefit, tier, plan, asked)
    form, ladder, change = edited.form, edited.ladder, edited.change()
    if request.method == "POST" and form.is_valid():
        change_cell = partial(operations.set_cell, benefit=benefit, tier=tier, plan=plan, values=form.values())
        response = LADDER.decide(request, 0, partial(change_cell, actor=request.user, at=clock.now()), "")
        return _leave_drawer(request, response)
    after = edited.after()
    context = {
        "form": form, "benefit": benefit, "tier": tier, "plan": plan, "before": edited.before, "ladder": ladder,
        "impact": ladder.impact(change) if change else None, "href": edited.members_address() if change else "",
        "stairs": _stairs(ladder, benefit, tier, edited.before, after) if plan is None and benefit.has_limit else None,
    }  # fmt: skip
    template = "ladder/cell.html" if not request.htmx else "ladder/cell.html#drawer"
    if "preview" in request.GET:
        template = "ladder/cell.html#impact"
    response = render(request, template, context, status=422 if request.method == "POST" else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _stairs(ladder: Ladder, benefit: Benefit, tier: Tier | None, was: Cell | None, after: Cell | None) -> object:
    cells = {c.tier_id: c for c in ladder.shown.cells.filter(benefit=benefit)}
    here = next(n for n, column in enumerate(ladder.columns) if column.tier == tier)
    shown = [after if n == here else cells.get(c.tier.pk if c.tier else None) for n, c in enumerate(ladder.columns)]
    amounts = [0 if cell is None else cell.amount for cell in shown]
    return stairs(ladder.columns, amounts, here, 0 if was is None else was.amount)


def _options(view: str) -> list[dict[str, object]]:
    labels = {"allowance": _("Allowance"), "cost": _("Cost"), "use": _("Use")}
    return [{"label": labels[key], "href": f"?view={key}", "current": key == view} for key in VIEWS]


def _leave_drawer(request: StaffRequest, response: HttpResponse) -> HttpResponse:
    if request.htmx:
        response.status_code = 204
        response["HX-Redirect"] = reverse("ladder:index")
        del response["Location"]
    return response
