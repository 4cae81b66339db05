from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.models import MessageIntent
from campaigns.operations.copy import intent_of_token
from campaigns.operations.unsubscribing import unsubscribe
from config.engine.clock import now
from config.staff.access import public


# A mail program posts without a cookie (RFC 8058, 3.2); the signed token is what allows it.
@public
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def one_click(request: HttpRequest, token: str) -> HttpResponse:
    """Ask on GET, which link scanners follow too; act on POST."""
    intent_id = intent_of_token(token)
    if intent_id is None or not MessageIntent.objects.named([intent_id]).exists():
        raise Http404
    if request.method == "POST":
        unsubscribe(intent_id=intent_id, at=now())
    return render(request, "campaigns/unsubscribe.html", {"is_done": request.method == "POST", "signed_in": False})
