"""Tags: the list, one tag, the editor, and giving one to a member by hand."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from members.people.models import Member
from members.segments.console.builder.draft import DraftBroken
from members.segments.console.builder.page import Builder
from members.segments.console.builder.session import Session
from members.segments.console.views.answers import (
    METHODS,
    asks_for_detail,
    begun,
    built,
    detail_shown,
    gone_on,
    gone_to,
    varied,
)
from members.segments.schema import RuleInvalid
from members.tags.console.forms import GiveForm, SwitchForm, TagForm, TakeForm, ValuesForm
from members.tags.console.portrait import TagPortrait, by_kind
from members.tags.console.portrait import why as reasons
from members.tags.models import MemberTag, Tag
from members.tags.operations import carrying, saving
from members.tags.tasks import refresh_tag
from members.tags.words import REFUSALS


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """Every tag by kind, with how many carry it."""
    return render(request, "tags/index.html", {"groups": by_kind(clock.now())})


@requires(Permission.VIEW)
@require_safe
def detail(request: StaffRequest, tag_id: int) -> HttpResponse:
    portrait = TagPortrait(tag_id, at=clock.now())
    return render(request, "tags/detail.html", {"portrait": portrait, "tag": portrait.tag})


@requires(Permission.VIEW)
@require_safe
def why(request: StaffRequest, member_id: int, tag_id: int) -> HttpResponse:
    """Why a member carries a tag; the reasons alone when her page asks for them."""
    carries = MemberTag.objects.current().select_related("tag__parent", "member")
    carry = get_object_or_404(carries, member_id=member_id, tag__pk=tag_id)
    template = "tags/why.html#reasons" if request.htmx else "tags/why.html"
    context = {"carry": carry, "lines": reasons(carry, clock.now())}
    response = render(request, template, context)
    return varied(response)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def new(request: StaffRequest) -> HttpResponse:
    return _build(request, None)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def new_values(request: StaffRequest) -> HttpResponse:
    return _values(request, None)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def edit(request: StaffRequest, tag_id: int) -> HttpResponse:
    """The rule and the words; of what the engine gives the words alone."""
    tag = get_object_or_404(Tag, pk=tag_id, parent=None)
    return _values(request, tag) if tag.upkeep == Tag.Upkeep.VALUES else _build(request, tag)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def switch_off(request: StaffRequest, tag_id: int) -> HttpResponse:
    """Says how many lose the tag before it happens."""
    portrait = TagPortrait(tag_id, at=clock.now())
    form = SwitchForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            saving.switch_off(tag_id=tag_id, actor=request.user, at=clock.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("The tag is switched off."))
            return redirect(portrait.tag)
    context = {"form": form, "portrait": portrait, "tag": portrait.tag}
    return render(request, "tags/off.html", context, status=422 if form.errors else 200)


@requires(Permission.OPERATE)
@require_POST
def switch_on(request: StaffRequest, tag_id: int) -> HttpResponse:
    tag = get_object_or_404(Tag, pk=tag_id, parent=None)
    saving.switch_on(tag_id=tag.pk, actor=request.user, at=clock.now())
    refresh_tag.delay_on_commit(tag.pk)
    messages.success(request, _("The tag is switched on. The members are being counted."))
    return redirect(tag)


@requires(Permission.OPERATE)
@require_POST
def give(request: StaffRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(Member, pk=member_id)
    form = GiveForm(request.POST)
    if form.is_valid():
        tag = form.cleaned_data["tag"]
        try:
            carrying.give_tag(
                member_id=member.pk,
                tag_id=tag.pk,
                actor=request.user,
                at=clock.now(),
                reason=form.cleaned_data["reason"],
            )
        except Refused as refused:
            messages.error(request, refusal_text(refused, REFUSALS))
        else:
            refresh_tag.delay_on_commit(tag.pk)
            messages.success(request, _("The member carries the tag until somebody takes it back."))
    else:
        messages.error(request, _("Choose a tag."))
    return redirect(f"{member.get_absolute_url()}#tags")


@requires(Permission.OPERATE)
@require_POST
def take(request: StaffRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(Member, pk=member_id)
    form = TakeForm(request.POST)
    if form.is_valid():
        tag = form.cleaned_data["tag"]
        try:
            carrying.take_tag(member_id=member.pk, tag_id=tag.pk, actor=request.user, at=clock.now())
        except Refused as refused:
            messages.error(request, refusal_text(refused, REFUSALS))
        else:
            refresh_tag.delay_on_commit(tag.pk)
            kept = MemberTag.objects.current().filter(member=member, code=tag.code).exists()
            messages.success(request, _("Taken back. The rule goes on saying that the member carries it.") if kept
                else _("The tag is taken away; the timeline keeps that the member had it."))  # fmt: skip
    return redirect(f"{member.get_absolute_url()}#tags")


def _build(request: StaffRequest, tag: Tag | None) -> HttpResponse:
    """The editor with the segments' builder: each POST is a step of writing, the last one saves."""
    at = clock.now()
    if request.method != "POST":
        session = begun(request, tag)
        form = TagForm.of(tag) if tag else TagForm()
        return _editor(request, session, form, tag, Builder(session.draft, at=at))
    try:
        session = gone_on(request)
    except DraftBroken:
        return HttpResponseBadRequest(_("This rule cannot be read. Reload the page."))
    builder = built(request, session, at=at)
    if asks_for_detail(request):
        return detail_shown(request, builder)
    saves = request.POST.get("do") == "save"
    form = TagForm(request.POST if saves else None, initial=request.POST.dict())
    if saves and builder.errors:
        form.add_error(None, _("Complete the marked conditions."))
    if saves and form.is_valid():
        # Without a condition it is a tag given by hand.
        meaning = {"rule": builder.rule, "base_version": session.base_version}
        if saved := _save(request, form, tag, form.cleaned_data, meaning):
            return gone_to(request, saved.get_absolute_url())
    return _editor(request, session, form, tag, builder, status=422 if saves else 200)


def _editor(
    request: StaffRequest, session: Session, form: TagForm, tag: Tag | None, builder: Builder, status: int = 200
) -> HttpResponse:
    template = "tags/edit.html#builder" if request.htmx else "tags/edit.html"
    context = {"session": session, "form": form, "tag": tag, "builder": builder}
    response = render(request, template, context, status=status)
    if status == 422:
        # A step replaces the rule and its figures; a refused save also what was typed around them.
        response["HX-Retarget"] = response["HX-Reselect"] = "#builder"
    return varied(response)


def _values(request: StaffRequest, tag: Tag | None) -> HttpResponse:
    """The form of a tag whose values become tags."""
    if request.method != "POST":
        form = ValuesForm.of(tag) if tag else ValuesForm()
        return render(request, "tags/values.html", {"form": form, "tag": tag})
    form = ValuesForm(request.POST)
    if form.is_valid() and (saved := _save(request, form, tag, form.words(), {"generator": form.generator()})):
        return redirect(saved)
    return render(request, "tags/values.html", {"form": form, "tag": tag}, status=422)


def _save(
    request: StaffRequest, form: TagForm, tag: Tag | None, words: dict[str, Any], meaning: dict[str, Any]
) -> Tag | None:
    """The saved tag, or None with the reason in the form."""
    try:
        saved = saving.save_tag(actor=request.user, at=clock.now(), tag_id=tag.pk if tag else None, **meaning, **words)
    except Refused as refused:
        form.add_error(None, refusal_text(refused, REFUSALS))
        return None
    except RuleInvalid as invalid:
        form.add_error(None, "; ".join(error.message for error in invalid.errors))
        return None
    refresh_tag.delay_on_commit(saved.pk)
    messages.success(request, _("Saved. The members are being counted."))
    return saved
