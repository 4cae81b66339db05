"""What can become of a message and of a campaign: their statuses, why a message got there, and the tables of moves.

Two executors read the table: ``django-fsm`` for one row, ``apply`` of the querysets and the claim, plan and
cancel statements for any number. A database trigger refuses every other edge.
"""

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.engine.moves import Move, edges


class ChannelCode(TextChoices):
    EMAIL = "email", _("Email")
    SMS = "sms", _("SMS")
    PUSH = "push", _("Push")
    IN_APP = "in_app", _("In-app message")
    WECHAT = "wechat", _("WeChat")
    VOICE = "voice", _("Voice call")
    WEBHOOK = "webhook", _("Webhook")


class Status(TextChoices):
    PENDING = "pending", pgettext_lazy("message", "Pending")
    CLAIMED = "claimed", pgettext_lazy("message", "Being prepared")
    ON_WIRE = "on_wire", pgettext_lazy("message", "On the wire")
    SENT = "sent", pgettext_lazy("message", "Sent")
    FAILED = "failed", pgettext_lazy("message", "Failed")
    UNKNOWN = "unknown", pgettext_lazy("message", "Delivery unknown")
    SUPPRESSED = "suppressed", pgettext_lazy("message", "Suppressed")
    EXPIRED = "expired", pgettext_lazy("message", "Expired")


class CampaignStatus(TextChoices):
    DRAFT = "draft", _("Draft")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    ENDED = "ended", _("Ended")


class Reason(TextChoices):
    """Why a message was suppressed, expired, failed, put off or lost sight of."""

    PAST_WHEN_PLANNED = "past_when_planned", _("Its time had passed when it was planned")
    BEFORE_WINDOW = "before_window", _("Earlier than a term of this length is reminded of")
    TOO_LATE = "too_late", _("Not sent while it was still true")
    RENEWED = "renewed", _("Renewed")
    AUTO_RENEWAL_ON = "auto_renewal_on", _("Auto-renewal switched on")
    REFUNDED = "refunded", _("Refunded")
    VOIDED = "voided", _("The term was voided")
    REPLACED = "replaced", _("Another term took over")
    MEMBER_GONE = "member_gone", _("The member was deleted")
    NO_CONSENT = "no_consent", _("No consent for this channel")
    ADDRESS_SUPPRESSED = "address_suppressed", _("The address is suppressed")
    NO_ADDRESS = "no_address", _("No address")
    INVALID_ADDRESS = "invalid_address", _("Not a valid address")
    NO_TEMPLATE = "no_template", _("No published template")
    CHANNEL_OFF = "channel_off", _("The channel is switched off")
    RENDERING_FAILED = "rendering_failed", _("The template could not be rendered")
    ADDRESS_REFUSED = "address_refused", _("The server refuses the address")
    SENDER_REFUSED = "sender_refused", _("The server refuses the sender")
    CONTENT_REFUSED = "content_refused", _("The server refused the message")
    TRY_LATER = "try_later", _("The server asked to try later")
    NO_ANSWER = "no_answer", _("The server did not answer in time")
    GAVE_UP = "gave_up", _("Refused too often")
    LEASE_LOST = "lease_lost", _("The worker stopped before it knew the outcome")
    CONNECTION_LOST = "connection_lost", _("The connection broke before the server answered")
    RESOLVED = "resolved", _("Settled by a person")


# Reasons after which a message may come back when its trigger holds again.
EXIT_REASONS = (Reason.RENEWED, Reason.AUTO_RENEWAL_ON, Reason.REFUNDED, Reason.VOIDED, Reason.REPLACED)


PLAN = Move.make("plan", [None], Status.PENDING)
MISS = Move.make("miss", [None], Status.EXPIRED)
CLAIM = Move.make("claim", [Status.PENDING], Status.CLAIMED, ~Q(channel=ChannelCode.IN_APP.value))
# An in-app message is its own row: nothing can happen between claiming it and its being there.
SHOW = Move.make("show", [Status.PENDING], Status.SENT, Q(channel=ChannelCode.IN_APP.value))
EXPIRE = Move.make("expire", [Status.PENDING], Status.EXPIRED)
SUPPRESS = Move.make("suppress", [Status.PENDING, Status.CLAIMED], Status.SUPPRESSED)
RELEASE = Move.make("release", [Status.CLAIMED], Status.PENDING)
PUT_ON_WIRE = Move.make("put_on_wire", [Status.CLAIMED], Status.ON_WIRE)
# Only for whoever holds the server's refusal: a message whose lease died on the wire never comes this way.
PUT_OFF = Move.make("put_off", [Status.ON_WIRE], Status.PENDING)
# A worker that outlived its lease and then read the server's answer knows better than the lease.
CONFIRM = Move.make("confirm", [Status.ON_WIRE, Status.UNKNOWN], Status.SENT)
FAIL = Move.make("fail", [Status.CLAIMED, Status.ON_WIRE], Status.FAILED)
LOSE = Move.make("lose", [Status.ON_WIRE], Status.UNKNOWN)
RESOLVE_SENT = Move.make("resolve_sent", [Status.UNKNOWN], Status.SENT)
RESOLVE_FAILED = Move.make("resolve_failed", [Status.UNKNOWN], Status.FAILED)
REVIVE = Move.make("revive", [Status.SUPPRESSED], Status.PENDING, Q(on_wire_at__isnull=True))

MOVES: tuple[Move, ...] = (
    PLAN,
    MISS,
    CLAIM,
    SHOW,
    EXPIRE,
    SUPPRESS,
    RELEASE,
    PUT_ON_WIRE,
    PUT_OFF,
    CONFIRM,
    FAIL,
    LOSE,
    RESOLVE_SENT,
    RESOLVE_FAILED,
    REVIVE,
)

EDGES = edges(MOVES)

# Plan and send from now on, something being published.
RUN = Move.make(
    "run", [CampaignStatus.DRAFT, CampaignStatus.PAUSED], CampaignStatus.RUNNING, Q(current_version_id__isnull=False)
)
# Plan and send nothing until it runs again, or for good.
PAUSE = Move.make("pause", [CampaignStatus.RUNNING], CampaignStatus.PAUSED)
END = Move.make("end", [CampaignStatus.RUNNING, CampaignStatus.PAUSED], CampaignStatus.ENDED)

CAMPAIGN_MOVES = (RUN, PAUSE, END)
CAMPAIGN_EDGES = edges(CAMPAIGN_MOVES)

# What a page shows beside the word: neutral, in progress, good, warning, bad, off.
DOT_OF: dict[str, str] = {
    Status.PENDING: "",
    Status.CLAIMED: "run",
    Status.ON_WIRE: "run",
    Status.SENT: "good",
    Status.FAILED: "bad",
    Status.UNKNOWN: "warn",
    Status.SUPPRESSED: "off",
    Status.EXPIRED: "off",
}
