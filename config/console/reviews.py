"""Pages of reviewed settings: a list of versions, one version with its decision, the form of a draft.

A room gives a ``ReviewPages`` with its ``Review``, form and words, takes ``urls`` into its own and registers it: what
waits for a decision is then work on the first page by itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ClassVar, Generic, Protocol
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.fields import reason_field
from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.engine.registry import Registry
from config.engine.reviewed.lifecycle import Status
from config.engine.reviewed.operations import REVIEWED, Review, V
from config.engine.words import REFUSALS
from config.staff.access import Permission, View, requires
from config.staff.holders import holders_of
from config.staff.models import User

# Today tells for so long of a version that its author approved.
SELF_APPROVED_SHOWN = timedelta(days=7)


class DraftForm(Protocol):
    """The form of a draft: ``values`` is what ``propose`` and ``revise`` take."""

    @property
    def errors(self) -> Any: ...

    def is_valid(self) -> bool: ...

    @property
    def values(self) -> dict[str, Any]: ...


class DecisionForm(forms.Form):
    """Words for the record about a version that waits."""

    reason = reason_field(required=False)

    def __init__(self, *args: Any, is_required: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = is_required


class StartForm(forms.Form):
    """From when a version is to be in force."""

    starts_at = forms.DateTimeField(
        label=gettext_lazy("In force from"), required=False,
        help_text=gettext_lazy("Empty: as soon as it is approved."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at

    def clean_starts_at(self) -> datetime | None:
        starts_at: datetime | None = self.cleaned_data["starts_at"]
        if starts_at is not None and starts_at <= self.at:
            raise forms.ValidationError(str(REFUSALS["past"]))
        return starts_at


@dataclass(frozen=True)
class ReviewWords:
    """What the pages of one setting say. ``one``, ``change`` and ``waiting`` have %(version)s, ``waiting`` %(note)s."""

    title: str | Promise
    intro: str | Promise
    propose: str | Promise
    one: str | Promise
    change: str | Promise
    waiting: str | Promise
    in_force: str | Promise


@dataclass(frozen=True)
class Decision:
    """Whether somebody may decide about a version: an author may not, unless nobody else could."""

    may_approve: bool
    is_author: bool
    is_alone: bool

    @classmethod
    def of(cls, version: Any, user: User) -> "Decision":
        may, is_author = user.may(Permission.APPROVE), user.pk in version.author_ids
        others = holders_of(Permission.APPROVE).exclude(pk=user.pk)
        return cls(may, is_author, may and is_author and not others.exists())

    @property
    def is_open(self) -> bool:
        """Whether approving is theirs to do."""
        return self.may_approve and (self.is_alone or not self.is_author)


@dataclass(frozen=True)
class Waiting:
    """A version that somebody has to decide about, with its page."""

    version: Any
    title: str
    href: str
    decision: Decision


@dataclass(frozen=True)
class SelfApproved:
    """A version that its author approved, being the only approver."""

    version: Any
    title: str
    href: str


class ReviewPages(Generic[V]):
    """The pages of one reviewed setting, as ``<namespace>:<name>`` and its steps."""

    review: Review[V]
    words: ReviewWords
    # Sentences for refusals of the room itself; those of every review are known.
    refusals: ClassVar[Mapping[str, str | Promise]] = {}
    namespace: ClassVar[str]
    name: ClassVar[str] = "version"
    list_name: ClassVar[str] = "versions"
    argument: ClassVar[str] = "version_id"
    # Where a new draft is written: the last part of the address, and its name.
    new_at: ClassVar[tuple[str, str]] = ("new", "version-new")
    # (URL name, label) of the page above the list, and what a list and a version show besides.
    above: ClassVar[tuple[str, Any] | None] = None
    list_actions: ClassVar[str] = ""
    list_before: ClassVar[str] = ""
    list_after: ClassVar[str] = ""
    form_template: ClassVar[str] = "reviews/form.html"
    content_template: ClassVar[str]
    preview_template: ClassVar[str]
    # What approving does, in a sentence.
    effect_template: ClassVar[str] = ""

    def register(self) -> None:
        """Make the setting and its pages known: to the tick that puts versions in force, and to the first page."""
        REVIEWED.register(self.review)
        PAGES.register(self)

    def form(self, data: Any, version: V, *, is_new: bool) -> DraftForm:
        """The form of a draft like ``version``: the draft itself, or the version in force for a new one."""
        raise NotImplementedError

    def list_context(self) -> dict[str, Any]:
        return {}

    def version_context(self, version: V) -> dict[str, Any]:
        return {}

    def is_big(self) -> bool:
        """Whether the preview takes so long that a worker does it, woken by ``preview_later``."""
        return False

    def preview_later(self, pk: int) -> None:
        raise NotImplementedError

    def preview_form(self, request: StaffRequest, form: DraftForm) -> dict[str, Any]:
        """What is shown beside a valid form that was sent only to look; empty: it is saved."""
        return {}

    def on_draft(self, version: V) -> None:
        """After a draft was saved."""

    def on_approved(self) -> None:
        """Wake whoever carries out what was just put in force."""

    def urls(self, at: str) -> list[URLPattern]:
        """The addresses below ``at``: the list, the form of a new draft, a version and its steps."""
        propose = Permission.PROPOSE_POLICY
        return [
            path(at, requires(Permission.VIEW)(require_safe(_view(self.index))), name=self.list_name),
            path(f"{at}{self.new_at[0]}/", requires(propose)(_form_view(self.new)), name=self.new_at[1]),
            self._path(at, "", requires(Permission.VIEW)(require_safe(self._of(self.detail)))),
            self._path(at, "edit", requires(propose)(_form_view(self._of(self.edit)))),
            self._path(at, "preview", requires(propose)(require_POST(self._of(self.look_ahead)))),
            self._path(at, "submit", requires(propose)(require_POST(self._of(self.submit)))),
            self._path(at, "discard", requires(propose)(require_POST(self._of(self.discard)))),
            *self.decision_urls(at),
        ]

    def decision_urls(self, at: str) -> list[URLPattern]:
        return [
            self._path(at, "approve", requires(Permission.APPROVE)(require_POST(self._of(self.approve)))),
            self._path(at, "reject", requires(Permission.APPROVE)(require_POST(self._of(self.reject)))),
        ]

    def page(self, pk: int) -> str:
        """The address where a version is shown and decided about."""
        return reverse(f"{self.namespace}:{self.name}", args=[pk])

    def address(self, step: str, pk: int) -> str:
        return reverse(f"{self.namespace}:{self._named(step)}", args=[pk])

    def index(self, request: StaffRequest) -> HttpResponse:
        """The versions: which one is in force, and how they came to be."""
        shown = [(version, self.page(version.pk)) for version in self.review.model.objects.with_people()]
        context = (
            self._context()
            | {"versions": shown, "new": reverse(f"{self.namespace}:{self.new_at[1]}")}
            | self.list_context()
        )
        return render(request, "reviews/list.html", context)

    def new(self, request: StaffRequest) -> HttpResponse:
        form = self.form(request.POST if request.method == "POST" else None, self.review.active(), is_new=True)
        beside = self.preview_form(request, form) if form.is_valid() else {}
        if beside or not form.is_valid():
            return self._form_page(request, form, None, beside)
        draft = self.review.propose(actor=request.user, at=clock.now(), **form.values)
        self.on_draft(draft)
        return redirect(self.page(draft.pk))

    def edit(self, request: StaffRequest, pk: int) -> HttpResponse:
        version = get_object_or_404(self.review.model, pk=pk)
        form = self.form(request.POST if request.method == "POST" else None, version, is_new=False)
        beside = self.preview_form(request, form) if form.is_valid() else {}
        if beside or not form.is_valid():
            return self._form_page(request, form, version, beside)

        def revise() -> None:
            self.on_draft(self.review.revise(pk, actor=request.user, at=clock.now(), **form.values))

        return self.decide(request, pk, revise, _("The draft is saved; look at the preview."))

    def detail(self, request: StaffRequest, pk: int) -> HttpResponse:
        """One version: what it says, what would come of it, who worked on it, and the decision about it."""
        return self._version_page(request, pk, StartForm(at=clock.now()))

    def look_ahead(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Work the preview out: at once, or by a worker while the page waits for it."""
        version = get_object_or_404(self.review.model, pk=pk)
        if version.status != Status.DRAFT or not self.is_big():
            return self.decide(request, pk, lambda: self.review.look_ahead(pk, at=clock.now()), "")
        self.preview_later(pk)
        return redirect(f"{self.page(pk)}?{urlencode({'after': stamp_of(version)})}")

    def submit(self, request: StaffRequest, pk: int) -> HttpResponse:
        at = clock.now()
        form = StartForm(request.POST, at=at)
        if not form.is_valid():
            return self._version_page(request, pk, form, status=422)
        return self.decide(
            request, pk, lambda: self.review.submit(pk, actor=request.user, at=at, **form.cleaned_data),
            _("It waits for a second person."),
        )  # fmt: skip

    def discard(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Throw a draft away and go back to the list; a version that is none any more is shown as it stands."""
        at = clock.now()
        response = self.decide(
            request, pk, lambda: self.review.discard(pk, actor=request.user, at=at), _("The draft is thrown away.")
        )
        if self.review.model.objects.filter(pk=pk).exists():
            return response
        return redirect(f"{self.namespace}:{self.list_name}")

    def approve(self, request: StaffRequest, pk: int) -> HttpResponse:
        at, reason = clock.now(), reason_in(request)
        response = self.decide(
            request,
            pk,
            lambda: self.review.approve(pk, actor=request.user, at=at, reason=reason),
            self._approval_text(pk),
        )
        self.on_approved()
        return response

    def reject(self, request: StaffRequest, pk: int) -> HttpResponse:
        at, reason = clock.now(), reason_in(request)
        return self.decide(
            request, pk, lambda: self.review.reject(pk, actor=request.user, at=at, reason=reason), _("It is rejected.")
        )

    def decide(self, request: StaffRequest, pk: int, act: Callable[[], object], done: str) -> HttpResponse:
        """Do it, say what came of it, and go back to the version."""
        try:
            act()
        except Refused as refused:
            messages.error(request, refusal_text(refused, self.refusals, REFUSALS))
        else:
            if done:
                messages.success(request, done)
        return redirect(self.page(pk))

    def waiting(self, user: User) -> Iterator[Waiting]:
        for version in self.review.model.objects.waiting().with_people().order_by("submitted_at", "pk"):
            yield Waiting(version, self._title_of(version), self.page(version.pk), Decision.of(version, user))

    def self_approved(self, at: datetime) -> Iterator[SelfApproved]:
        for version in (
            self.review.model.objects.self_approved(at - SELF_APPROVED_SHOWN).with_people().order_by("-approved_at")
        ):
            yield SelfApproved(version, self._title_of(version), self.page(version.pk))

    def decision_context(self, version: V, user: User) -> dict[str, Any]:
        """What ``reviews/includes/people.html`` and ``decision_form.html`` read."""
        decision = Decision.of(version, user)
        return {
            "pages": self,
            "version": version,
            "people": people_of(version),
            "decision": decision,
            "form": DecisionForm(is_required=decision.is_alone),
            "address": {step: self.address(step, version.pk) for step in ("approve", "reject")},
        }

    def _title_of(self, version: V) -> str:
        words = self.words.waiting if version.note else self.words.one
        return str(words) % {"version": version.version, "note": version.note}

    def _approval_text(self, pk: int) -> str:
        version = self.review.model.objects.filter(pk=pk).first()
        later = version is not None and version.starts_at is not None and version.starts_at > clock.now()
        return _("Approved; it comes into force on its day.") if later else str(self.words.in_force)

    def _version_page(self, request: StaffRequest, pk: int, form: StartForm, *, status: int = 200) -> HttpResponse:
        version = get_object_or_404(self.review.model.objects.with_people(), pk=pk)
        context = self._context() | self.decision_context(version, request.user) | self.version_context(version)
        context |= {
            "heading": str(self.words.one) % {"version": version.version},
            "start_form": form,
            "is_working": request.GET.get("after") == stamp_of(version),
        }
        context["address"] |= {step: self.address(step, pk) for step in ("edit", "preview", "submit", "discard")}
        template = "reviews/includes/preview.html" if request.htmx else "reviews/version.html"
        response = render(request, template, context, status=status)
        patch_vary_headers(response, ["HX-Request"])
        return response

    def _form_page(
        self, request: StaffRequest, form: DraftForm, version: V | None, beside: dict[str, Any]
    ) -> HttpResponse:
        heading = self.words.propose if version is None else str(self.words.change) % {"version": version.version}
        back = reverse(f"{self.namespace}:{self.list_name}") if version is None else self.page(version.pk)
        context = self._context() | {"form": form, "version": version, "heading": heading, "back": back} | beside
        return render(request, self.form_template, context, status=422 if form.errors else 200)

    def _context(self) -> dict[str, Any]:
        above = {"href": reverse(self.above[0]), "label": self.above[1]} if self.above else None
        listed = {"href": reverse(f"{self.namespace}:{self.list_name}"), "label": self.words.title}
        return {"pages": self, "words": self.words, "above": above, "listed": listed}

    def _path(self, at: str, step: str, view: View) -> URLPattern:
        where = f"{at}<int:{self.argument}>/" + (f"{step}/" if step else "")
        return path(where, view, name=self._named(step))

    def _named(self, step: str) -> str:
        return "-".join(part for part in (self.name, step) if part)

    def _of(self, view: Callable[[StaffRequest, int], HttpResponse]) -> View:
        @wraps(view)
        def of_version(request: Any, **found: Any) -> HttpResponse:
            return view(request, found[self.argument])

        return of_version


PAGES: Registry[ReviewPages[Any]] = Registry("pages of reviewed settings", code_of=lambda pages: pages.review.code)


def people_of(version: Any) -> dict[str, Any]:
    """Who wrote, changed, submitted and approved a version."""
    changed = User.objects.filter(pk__in=version.changed_by) if version.changed_by else []
    return {
        "written": version.created_by,
        "changed": sorted(changed, key=lambda user: version.changed_by.index(user.pk)),
        "submitted": version.submitted_by,
        "approved": version.approved_by,
    }


def reason_in(request: Any) -> str:
    """The words of a decision, empty where there are none."""
    form = DecisionForm(request.POST)
    return form.cleaned_data["reason"] if form.is_valid() else ""


def stamp_of(version: Any) -> str:
    """Which preview a page has seen: a newer one ends its waiting."""
    return version.previewed_at.isoformat() if version.previewed_at else "none"


def _view(view: Callable[..., HttpResponseBase]) -> View:
    """A bound method as a function, which decorators mark."""

    @wraps(view)
    def called(request: Any, *args: Any, **found: Any) -> HttpResponseBase:
        return view(request, *args, **found)

    return called


def _form_view(view: Callable[..., HttpResponseBase]) -> View:
    return require_http_methods(["GET", "HEAD", "POST"])(_view(view))
