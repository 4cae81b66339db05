"""A gallery of every component, for tests only: the product has no such page."""

from datetime import timedelta
from pathlib import Path

from django import forms
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import engines
from django.urls import include, path
from django.views.i18n import set_language

from config.engine import clock
from config.staff.access import Role, public
from config.staff.models import User
from members.lifecycle.lifecycle import State

HERE = Path(__file__).parent


class QueryForm(forms.Form):
    q = forms.CharField(label="Name, phone or number", required=False)
    plan = forms.ChoiceField(label="Plan", required=False, choices=[("", "any"), ("year", "Year")])
    expires = forms.ChoiceField(label="Expires", required=False, choices=[("", "any"), ("7", "in 7 days")])
    auto = forms.ChoiceField(label="Auto-renewal", required=False, choices=[("", "any"), ("on", "on")])


class TermForm(forms.Form):
    plan = forms.ChoiceField(label="Plan", choices=[("year", "Year"), ("month", "Month")], help_text="What is sold.")
    starts_on = forms.DateField(label="Starts", widget=forms.DateInput(attrs={"type": "date"}))
    agreed = forms.BooleanField(label="The member agreed")
    mode = forms.ChoiceField(
        label="Mode", choices=[("all", "All or nothing"), ("valid", "Valid rows")], widget=forms.RadioSelect
    )
    reason = forms.CharField(label="Reason", widget=forms.Textarea(attrs={"rows": 3}))
    file = forms.FileField(label="File", required=False)

    def clean(self) -> None:
        raise forms.ValidationError("The whole form has a problem.")


def context() -> dict[str, object]:
    now = clock.now()
    states = list(State.values)
    names = ["陈静", "吴小宁", "欧阳静", "Yue Shen", "王小明", "Zoë"]
    return {
        "demo_data": True,
        "form": QueryForm(),
        "bad_form": TermForm(data={}, auto_id="term_%s"),
        "facts": [
            {"label": "Expires", "value": "in 7 days", "note": "2026-11-27 23:59"},
            {"label": "Auto-renewal", "value": "off", "note": "since 2025-11"},
            {"label": "Fees", "value": "¥714", "note": ""},
            {"label": "Usage", "value": "31%", "note": "of this period"},
            {"label": "Last active", "value": "yesterday 21:14", "note": "11 of 30 days"},
        ],
        "ticks": [{"x": 0, "label": 2024}, {"x": 33.3, "label": 2025}, {"x": 66.6, "label": 2026}],
        "spans": [
            {"x": 6, "width": 1, "cls": "fs", "state": "trial", "below": "trial"},
            {"x": 7, "width": 42, "cls": "fa", "inside": "Year", "below": ""},
            {"x": 49, "width": 5, "cls": "gapr", "state": "expired", "below": "48 days of gap"},
            {"x": 54, "width": 42, "cls": "fa", "inside": "Year · Gold"},
        ],
        "now": {"x": 95, "label": "today", "anchor": "end", "dx": -6},
        "tabs": [{"label": "All", "count": 486120, "href": "?", "current": False}]
        + [{"state": s, "count": 12846, "href": f"?state={s}", "current": s == "expiring"} for s in states],
        "columns": [
            {"key": "member", "label": "Member", "shown": True, "fixed": True},
            {"key": "tier", "label": "Tier", "shown": True},
            {"key": "expiry", "label": "Expires", "shown": True},
            {"key": "spend", "label": "Spent", "shown": False},
        ],
        "rows": [
            {
                "name": name,
                "sub": f"10073118{n} · 138****2716",
                "state": states[n],
                "expires": now + timedelta(days=n),
                "auto": "off" if n else "good",
                "auto_label": "off" if n else "on",
                "use": n / 6,
                "active": now - timedelta(hours=5 * n, minutes=7),
                "spend": 18000 + 55 * n,
                "tag": "low use" if n % 2 else "",
            }
            for n, name in enumerate(names)
        ],
        "checks": [
            {"ok": True, "label": "In term", "note": "2025-11-27 → 2026-11-27"},
            {"ok": False, "label": "Active in 3 of 4 weeks", "note": "2 of 4"},
            {"ok": None, "label": "Not expired", "note": "an earlier rule matched"},
        ],
        "entries": [
            {
                "day": now.date(),
                "at": now,
                "kind": "state",
                "kind_label": "State",
                "icon": "arrows-exchange",
                "from_state": "stable",
                "to_state": "expiring",
                "note": "policy 7",
                "href": "/gallery/",
                "link": "Why",
            },
            {
                "day": now.date(),
                "at": now,
                "kind": "msg",
                "kind_label": "Message",
                "icon": "mail",
                "title": "Your year ends in 7 days",
                "chip": "opened",
                "chip_kind": "good",
                "note": "D-7",
            },
            {
                "day": now.date() - timedelta(days=1),
                "at": now,
                "kind": "evt",
                "kind_label": "Event",
                "icon": "player-play",
                "title": "Watched for two hours",
            },
        ],
        "steps": [
            {"label": "Upload", "note": "2.1 MB", "status": "done", "href": "/gallery/"},
            {"label": "Columns", "note": "10 of 11", "status": "done", "href": "/gallery/"},
            {"label": "Check", "note": "36 to fix", "status": "cur"},
            {"label": "Confirm", "status": ""},
        ],
        "parts": [
            {"label": "Created", "icon": "plus", "count": 3106, "note": "new", "href": "/gallery/"},
            {"label": "Updated", "icon": "refresh", "count": 8742, "note": "changed"},
            {"label": "Unchanged", "icon": "equal", "count": 12434, "note": "not written"},
            {"label": "Rejected", "icon": "alert-triangle", "count": 36, "note": "see why", "kind": "bad"},
        ],
        "work": [
            {
                "kind": "on",
                "icon": "rubber-stamp",
                "type": "Approval",
                "title": "Policy 8",
                "note": "by Lin",
                "count": 9036,
                "due": "by 16:00",
                "due_kind": "warn",
            },
            {
                "kind": "bad",
                "icon": "alert-triangle",
                "type": "Anomaly",
                "title": "Sweep stopped",
                "note": "6.8 %",
                "count": 1306,
                "due": "55 min",
                "due_kind": "bad",
            },
            {"icon": "file-alert", "type": "Import", "title": "stores.xlsx", "note": "", "count": None, "due": ""},
        ],
        "nodes": [
            {
                "state": s,
                "count": 12846 + n,
                "href": "/gallery/",
                "delta": 12 if n % 2 else -3,
                "delta_kind": "up" if n % 2 else "down",
                "onward": 1204 if n < 7 else None,
            }
            for n, s in enumerate(states)
        ],
        "back": {
            "renewed": {"count": 2264, "href": "/gallery/", "width": 13},
            "won_back": {"count": 392, "href": "/gallery/", "width": 4},
            "returned": {"count": 118, "href": "/gallery/", "width": 2},
        },
    }


@public
def gallery(request: HttpRequest) -> HttpResponse:
    request.user = User(username="shen", first_name="Yue", last_name="Shen", role=Role.ADMIN)
    if request.method == "POST":
        messages.success(request, "Saved.")
    template = engines["django"].from_string((HERE / "gallery.html").read_text())
    return HttpResponse(template.render(context(), request))


@public
def drawer(request: HttpRequest) -> HttpResponse:
    template = engines["django"].from_string(
        '{% load console %}{% component "drawer" title="Renew" action="/gallery/drawer/" %}'
        '{% for bound in form %}{% field bound %}{% endfor %}{% slot "actions" %}'
        '<button class="btn" type="button" data-close>Cancel</button>'
        '<button class="btn btn-primary" type="submit">Renew</button>{% endslot %}{% endcomponent %}'
    )
    bound = request.method == "POST"
    form = TermForm(request.POST if bound else None, auto_id="drawer_%s")
    return HttpResponse(template.render({"form": form}, request), status=422 if bound else 200)


@public
def found(request: HttpRequest) -> HttpResponse:
    query = request.POST.get("q", "")
    groups = [
        {"label": "Pages", "items": [{"label": "Members", "href": "/gallery/?members", "icon": "users"}]},
        {
            "label": "Members",
            "items": [
                {"label": "王*明", "href": "/gallery/?m=1", "icon": "user", "note": "100482913", "state": "expiring"}
            ],
        },
    ]
    shown = {"query": query, "groups": [] if query == "nobody" else groups}
    return render(request, "components/palette_results.html", shown)


def page(name: str) -> object:
    return path(f"console/{name}/", gallery, name=name)


console = (
    [path("console/", gallery, name="home"), page("audit"), page("settings"), path("search", found, name="search")],
    "console",
)

urlpatterns = [
    path("gallery/", gallery),
    path("gallery/drawer/", drawer),
    path("login/", public(auth_views.LoginView.as_view()), name="login"),
    path("logout/", public(auth_views.LogoutView.as_view()), name="logout"),
    path("language/", public(set_language), name="set_language"),
    path("", include(console)),
    # What the menu leads to.
    path("", include("config.urls")),
]
