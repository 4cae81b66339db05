"""The old address of a member who was merged leads to the one she was merged into."""

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from config.console.http import StaffRequest
from members.people.models import Member


def follows_merges(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Have the page of a merged member (``member_id``) lead to the survivor's. What is posted is not carried over."""

    @wraps(view)
    def followed(request: StaffRequest, member_id: int) -> HttpResponse:
        try:
            return view(request, member_id=member_id)
        except Http404:
            survivor = Member.every.survivor_of(member_id) if request.method in ("GET", "HEAD") else None
            if survivor is None:
                raise
            return redirect(survivor)

    return followed
