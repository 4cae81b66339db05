"""The demo's honours: what some benefits show, last year's brand friends, and advisers for whoever may have one."""

from datetime import datetime

from config.staff.models import User
from entitlements.benefits.models import Benefit
from entitlements.benefits.operations.saving import save_benefit
from entitlements.honours.operations import adorning, advising, running
from entitlements.honours.rules import last_year_over

# By the code of the benefit: form, style, words in both languages and prominence.
SHOWS: dict[str, tuple[str, str, str, str, int]] = {
    "frame": ("frame", "onyx", "Black frame", "黑卡头像框", 2),
    "friend_frame": ("frame", "rose", "Brand friend's frame", "挚友头像框", 9),
    "badge": ("badge", "silver", "Member", "会员徽章", 1),
    "adviser": ("adviser", "jade", "", "", 1),
    "answered": ("service", "silver", "", "", 1),
}
TOP = 100


def make_honours(*, at: datetime) -> None:
    """Frames, a badge, advisers and service targets, and the honour of the year that is over."""
    friend_frame = save_benefit(
        benefit_id=None, actor=None, at=at, code="friend_frame", name="Brand friend's frame", name_zh="挚友头像框",
        kind="access", category=Benefit.Category.EMOTIONAL,
    )  # fmt: skip
    for code, (form, style, text, text_zh, prominence) in SHOWS.items():
        adorning.adorn_benefit(
            benefit_id=Benefit.objects.get(code=code).pk, actor=None, at=at, form=form, style=style, text=text,
            text_zh=text_zh, prominence=prominence,
        )  # fmt: skip
    honour = running.save_honour(
        honour_id=None, actor=None, at=at, code="brand-friend", name=f"Brand friend, TOP {TOP}",
        name_zh=f"年度 TOP{TOP} 品牌挚友", measure="spend", top=TOP, benefit=friend_frame, style="rose",
    )  # fmt: skip
    run = running.begin_run(honour_id=honour.pk, year=last_year_over(at), actor=None, at=at)
    counted = running.count_run(run_id=run.pk, at=at)
    if counted and counted.placed:
        running.confirm_run(run_id=run.pk, counted_at=counted.counted_at, actor=None, at=at)
    colleagues = User.objects.filter(username__in=["operator", "approver"])
    advising.spread_members(adviser_ids=list(colleagues.values_list("pk", flat=True)), actor=None, at=at)
