"""The first campaign: four reminders before a paid term ends, their copy in two languages, and who wakes them."""

from datetime import UTC, datetime

from django.db import migrations

PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)

CHANNELS = [("email", True), ("in_app", True)]

STEPS = [("d7", 7), ("d3", 3), ("d1", 1), ("d0", 0)]

DEFINITION = {
    "trigger": {"kind": "term_end", "term_kinds": ["paid"], "auto_renewal": False, "followed": False},
    "steps": [
        {
            "key": key,
            "days_before": days,
            "local_time": "10:00",
            # Until 22:00: later the number of days it names is no longer right.
            "valid_hours": 12,
            "messages": [
                {"channel": "email", "template": f"renewal-{key}"},
                {"channel": "in_app", "template": f"renewal-{key}"},
            ],
        }
        for key, days in STEPS
    ],
    "exit": ["renewed", "auto_renewal_on", "refunded", "voided", "replaced"],
    "goal": {"kind": "renewed"},
    "reentry": "once_per_occurrence",
    "holdout": 0,
}

HELLO_EN = "Hello{% if member.name != '' %} {{ member.name }}{% endif %},"
HELLO_ZH = "{% if member.name != '' %}{{ member.name }}，{% endif %}您好！"

# name, Chinese name, {language: (subject, paragraphs)}
COPY = {
    "d7": ("Renewal, 7 days before", "到期前 7 天提醒", {
        "en": ("Your {{ term.tier }} membership ends in {{ term.days_left }} days", [
            HELLO_EN,
            "your {{ term.tier }} membership runs until {{ term.ends_on }}, {{ term.days_left }} days from now.",
            "Renew before then and not a day is lost: the new term starts when this one ends.",
        ]),
        "zh-hans": ("您的{{ term.tier }}还有 {{ term.days_left }} 天到期", [
            HELLO_ZH,
            "您的「{{ term.tier }}」将于 {{ term.ends_on }}到期，还有 {{ term.days_left }} 天。",
            "现在续费，一天也不会少：新的会员期从本期结束时开始。",
        ]),
    }),
    "d3": ("Renewal, 3 days before", "到期前 3 天提醒", {
        "en": ("{{ term.days_left }} days left on your {{ term.tier }} membership", [
            HELLO_EN,
            "your {{ term.tier }} membership ends on {{ term.ends_on }}, in {{ term.days_left }} days.",
            "After that your benefits pause. Renewing takes a minute, and the days you have left are kept.",
        ]),
        "zh-hans": ("{{ term.tier }}还剩 {{ term.days_left }} 天", [
            HELLO_ZH,
            "您的「{{ term.tier }}」将于 {{ term.ends_on }}到期，只剩 {{ term.days_left }} 天。",
            "到期后权益将暂停。续费只需一分钟，剩余天数全部保留。",
        ]),
    }),
    "d1": ("Renewal, 1 day before", "到期前 1 天提醒", {
        "en": ("Your {{ term.tier }} membership ends tomorrow", [
            HELLO_EN,
            "your {{ term.tier }} membership ends tomorrow, {{ term.ends_on }}.",
            "Renew today and everything goes on without a break.",
        ]),
        "zh-hans": ("您的{{ term.tier }}明天到期", [
            HELLO_ZH,
            "您的「{{ term.tier }}」将于明天({{ term.ends_on }})到期。",
            "今天续费，所有权益无缝延续。",
        ]),
    }),
    "d0": ("Renewal, on the day", "到期当天提醒", {
        "en": ("Your membership ends today: we keep your tier for {{ grace.days }} days", [
            HELLO_EN,
            "your {{ term.tier }} membership ends today, {{ term.ends_on }}.",
            "We keep your tier for {{ grace.days }} days, until {{ grace.until }}. Renew by then and you go on exactly "
            "where you were.",
        ]),
        "zh-hans": ("会员今天到期，等级为您保留 {{ grace.days }} 天", [
            HELLO_ZH,
            "您的{{ term.tier }}今天({{ term.ends_on }})到期。",
            "我们为您保留等级 {{ grace.days }} 天，至 {{ grace.until }}。在此之前续费，一切照旧。",
        ]),
    }),
}  # fmt: skip

FOOTER = {
    "en": ("You receive this because you are a member of {{ brand }}.", "Unsubscribe from these emails"),
    "zh-hans": ("您收到此邮件，是因为您是 {{ brand }} 的会员。", "退订此类邮件"),
}


def html(language, paragraphs):
    said = "\n".join(f'<p style="margin:0 0 16px">{paragraph}</p>' for paragraph in paragraphs)
    why, unsubscribe = FOOTER[language]
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;background:#f6f4f0;color:#1f2421;font:16px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0" style="max-width:560px;background:#ffffff;border:1px solid #e4e0d8;border-radius:8px">
<tr><td style="padding:24px 32px 0;font-weight:600;color:#0f5c5c">{{{{ brand }}}}</td></tr>
<tr><td style="padding:24px 32px 8px">
{said}
</td></tr></table>
<p style="max-width:560px;margin:16px auto 0;font-size:13px;color:#5c635f">{why}
<a href="{{{{ links.unsubscribe }}}}" style="color:#0f5c5c">{unsubscribe}</a></p>
</td></tr></table></body></html>
"""


def text(language, paragraphs):
    why, unsubscribe = FOOTER[language]
    return "\n\n".join(paragraphs) + f"\n\n--\n{why}\n{unsubscribe}: {{{{ links.unsubscribe }}}}\n"


def seed(apps, schema_editor):
    model = lambda name: apps.get_model("campaigns", name)  # noqa: E731
    model("DeliveryPolicy").objects.create(id=1)
    for code, enabled in CHANNELS:
        model("Channel").objects.create(code=code, is_enabled=enabled)
    for key, (name, name_zh, languages) in COPY.items():
        for channel, _enabled in CHANNELS:
            template = model("Template").objects.create(
                code=f"renewal-{key}", channel=channel, name=name, name_zh=name_zh
            )
            for language, (subject, paragraphs) in languages.items():
                is_email = channel == "email"
                model("TemplateVersion").objects.create(
                    template=template, language=language, number=1, subject=subject, published_at=PUBLISHED,
                    body_text=text(language, paragraphs) if is_email else "\n\n".join(paragraphs[1:]),
                    body_html=html(language, paragraphs) if is_email else "",
                )  # fmt: skip
    campaign = model("Campaign").objects.create(
        code="renewal-cadence", name="Renewal reminders", name_zh="续费提醒", status="draft", created_at=PUBLISHED
    )
    version = model("CampaignVersion").objects.create(
        campaign=campaign, number=1, definition=DEFINITION, published_at=PUBLISHED
    )
    model("Campaign").objects.filter(pk=campaign.pk).update(current_version=version, status="running")


# name, task, seconds. A tick that nobody took before the next one is worthless, so it expires.
SCHEDULE = [
    ("Plan messages", "campaigns.tasks.plan", 10),
    ("Cancel messages", "campaigns.tasks.cancel", 3),
    ("Send email", "campaigns.tasks.deliver_email", 3),
    ("Show in-app messages", "campaigns.tasks.show_in_app", 3),
    ("Take back expired leases", "campaigns.tasks.reclaim", 10),
]


def schedule(apps, schema_editor):
    for name, task, seconds in SCHEDULE:
        interval, _created = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
            every=seconds, period="seconds"
        )
        apps.get_model("django_celery_beat", "PeriodicTask").objects.update_or_create(
            name=name, defaults={"task": task, "interval": interval, "expire_seconds": seconds}
        )


def unschedule(apps, schema_editor):
    names = [name for name, _task, _seconds in SCHEDULE]
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_guards"), ("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RunPython(schedule, unschedule),
    ]
