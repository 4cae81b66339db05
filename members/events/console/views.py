"""The event catalogue and the sources it is fed from."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.staff.access import Permission, requires
from members.events import tasks
from members.events.console import pages
from members.events.console.forms import EventForm, SourceForm, WriteKeyForm
from members.events.models import EventDefinition, Source, WriteKey
from members.events.operations import keys
from members.events.operations.catalogue import save_definition
from members.events.operations.sources import save_source


@requires(Permission.VIEW)
@require_safe
def event_list(request: StaffRequest) -> HttpResponse:
    """Every event name seen, what it means and how often it comes."""
    text = request.GET.get("q", "")
    events = pages.catalogue(text, clock.now())
    context = {"events": events, "q": text, "is_capped": len(events) == pages.EVENTS_SHOWN}
    return render(request, "ingest/events.html", context)


@requires(Permission.VIEW)
@require_safe
def event_detail(request: StaffRequest, definition_id: int) -> HttpResponse:
    """One event: its meaning, its properties and their types."""
    event = pages.event(definition_id, clock.now())
    if event is None:
        raise Http404
    return render(request, "ingest/event.html", {"event": event})


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def event_edit(request: StaffRequest, definition_id: int) -> HttpResponse:
    event = get_object_or_404(EventDefinition, pk=definition_id)
    form = EventForm(request.POST if request.method == "POST" else None, instance=event)
    if form.is_valid():
        save_definition(definition_id=definition_id, actor=request.user, at=clock.now(), **form.cleaned_data)
        tasks.recount_activity.delay_on_commit()
        messages.success(request, _("Saved."))
        return redirect("ingest:event", definition_id)
    return _form_page(request, form, event.name, reverse("ingest:events"), _("Event catalogue"))


@requires(Permission.VIEW)
@require_safe
def source_list(request: StaffRequest) -> HttpResponse:
    """Where events come from, and whether each source is heard."""
    return render(request, "ingest/sources.html", {"rows": pages.sources(clock.now())})


@requires(Permission.VIEW)
@require_safe
def source_detail(request: StaffRequest, source_id: int) -> HttpResponse:
    """One source: its rhythm, its volume and errors by day, its write keys."""
    at = clock.now()
    source = get_object_or_404(Source, pk=source_id)
    context = {
        "row": pages.row_of(source, at),
        "days": source.ingest_days.filter(local_on__gte=pages.volume_since(at)).by_day(),
        "keys": source.write_keys.select_related("created_by"),
        "at": at,
    }
    return render(request, "ingest/source.html", context)


@requires(Permission.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def source_new(request: StaffRequest) -> HttpResponse:
    return _source_page(request, None)


@requires(Permission.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def source_edit(request: StaffRequest, source_id: int) -> HttpResponse:
    return _source_page(request, get_object_or_404(Source, pk=source_id))


@requires(Permission.ADMINISTER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def key_new(request: StaffRequest, source_id: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=source_id)
    form = WriteKeyForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        key, secret = keys.make_key(source_id=source.pk, actor=request.user, at=clock.now(), **form.cleaned_data)
        return _shown_once(request, key, secret)
    return _form_page(request, form, _("New write key"), reverse("ingest:source", args=[source.pk]), source.name)


@requires(Permission.ADMINISTER)
@never_cache
@require_POST
def key_rotate(request: StaffRequest, key_id: int) -> HttpResponse:
    """A new key in place of an old one, which works on for a day."""
    old = get_object_or_404(WriteKey, pk=key_id)
    try:
        key, secret = keys.rotate_key(key_id=key_id, actor=request.user, at=clock.now())
    except WriteKey.DoesNotExist:
        messages.error(request, _("This key has ended already, or is about to."))
        return redirect("ingest:source", old.source_id)
    return _shown_once(request, key, secret)


@requires(Permission.ADMINISTER)
@require_POST
def key_revoke(request: StaffRequest, key_id: int) -> HttpResponse:
    key = get_object_or_404(WriteKey, pk=key_id)
    try:
        keys.revoke_key(key_id=key_id, actor=request.user, at=clock.now())
        messages.success(request, _("The key has ended."))
    except WriteKey.DoesNotExist:
        messages.error(request, _("This key has ended already, or is about to."))
    return redirect("ingest:source", key.source_id)


def _shown_once(request: StaffRequest, key: WriteKey, secret: str) -> HttpResponse:
    return render(request, "ingest/key.html", {"key": key, "secret": secret, "hours": keys.ROTATION_HOURS})


def _source_page(request: StaffRequest, source: Source | None) -> HttpResponse:
    form = SourceForm(request.POST if request.method == "POST" else None, instance=source)
    if form.is_valid():
        saved = save_source(
            source_id=source.pk if source else None, actor=request.user, at=clock.now(), **form.cleaned_data
        )
        messages.success(request, _("Saved."))
        return redirect("ingest:source", saved.pk)
    heading = _("Edit source") if source else _("New source")
    return _form_page(request, form, heading, reverse("ingest:sources"), _("Event sources"))


def _form_page(request: StaffRequest, form: forms.BaseForm, heading: str, back_url: str, back: str) -> HttpResponse:
    """A form on a page of its own, with what is wrong with it."""
    context = {"form": form, "heading": heading, "back_url": back_url, "back": back}
    return render(request, "ingest/form.html", context, status=422 if form.errors else 200)
