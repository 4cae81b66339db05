"""One step about one member: a form shown, or done and back to the member's benefits."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from config.console.http import StaffRequest
from config.engine.refusal import Refused, refusal_text
from entitlements.grants.words import REFUSALS
from members.people.models import Member


def member_step(
    request: StaffRequest,
    member: Member,
    form: Any,
    act: Callable[[], None],
    heading: str,
    lead: str,
    button: str,
    done: str,
    *,
    words: Sequence[Mapping[str, object]] = (REFUSALS,),
    is_bad: bool = False,
) -> HttpResponse:
    """A form about one member: shown, or done and back to the member's benefits."""
    back = reverse("benefits:of-member", args=[member.pk])
    if form.is_valid():
        try:
            act()
        except Refused as refused:
            form.add_error(None, refusal_text(refused, *words))
        else:
            messages.success(request, done)
            return redirect(back)
    context = {
        "form": form, "member": member, "heading": heading, "lead": lead, "button": button, "back": back,
        "is_bad": is_bad,
    }  # fmt: skip
    return render(request, "benefits/step.html", context, status=422 if form.errors else 200)
