"""Reminders of every kind of cover that nobody renews, and of failed renewals, with the days left when they are sent."""

from datetime import UTC, datetime

from django.db import migrations

PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ["paid", "gift", "compensation"]

FAILED = {
    # The first ten o'clock at which both the failure and the end are past, while grace lasts.
    "trigger": {"kind": "renewal_failed", "term_kinds": KINDS},
    "steps": [
        {
            "key": "failed",
            "local_time": "10:00",
            "messages": [
                {"channel": "email", "template": "renewal-failed"},
                {"channel": "in_app", "template": "renewal-failed"},
            ],
        }
    ],
    "exit": ["renewed", "auto_renewal_on", "refunded", "voided", "replaced"],
    "goal": {"kind": "renewed"},
    "reentry": "once_per_occurrence",
    "holdout": 0,
}

IN_DAYS = {
    "en": "{% if term.days_left == 0 %}today{% elsif term.days_left == 1 %}tomorrow{% else %}in {{ term.days_left }} "
    "days{% endif %}",
    "zh-hans": "{% if term.days_left == 0 %}今天{% elsif term.days_left == 1 %}明天{% else %}还有 {{ term.days_left }} "
    "天{% endif %}",
}
HELLO = {
    "en": "Hello{% if member.name != '' %} {{ member.name }}{% endif %},",
    "zh-hans": "{% if member.name != '' %}{{ member.name }}，{% endif %}您好！",
}

# {step: {language: (subject, paragraphs)}}; <when> is one of IN_DAYS.
COPY = {
    "d7": {
        "en": ("Your {{ term.tier }} membership ends <when>", [
            "the last day of your {{ term.tier }} membership is {{ term.ends_on }}: it ends <when>.",
            "Renew before then and not a day is lost: the new term starts when this one ends.",
        ]),
        "zh-hans": ("您的{{ term.tier }}<when>到期", [
            "您的「{{ term.tier }}」最后一天是 {{ term.ends_on }}，<when>到期。",
            "现在续费，一天也不会少：新的会员期从本期结束时开始。",
        ]),
    },
    "d3": {
        "en": ("Your {{ term.tier }} membership ends <when>", [
            "your {{ term.tier }} membership ends <when>, on {{ term.ends_on }}.",
            "After that your benefits pause. Renewing takes a minute, and the days you have left are kept.",
        ]),
        "zh-hans": ("{{ term.tier }}<when>到期", [
            "您的「{{ term.tier }}」<when>到期，最后一天是 {{ term.ends_on }}。",
            "到期后权益将暂停。续费只需一分钟，剩余天数全部保留。",
        ]),
    },
    "d1": {
        "en": ("Your {{ term.tier }} membership ends <when>", [
            "your {{ term.tier }} membership ends <when>, {{ term.ends_on }}.",
            "Renew now and everything goes on without a break.",
        ]),
        "zh-hans": ("您的{{ term.tier }}<when>到期", [
            "您的「{{ term.tier }}」<when>（{{ term.ends_on }}）到期。",
            "现在续费，所有权益无缝延续。",
        ]),
    },
    "d0": {
        "en": ("Your membership ends <when>{% if grace.days > 0 %}: we keep your tier{% endif %}", [
            "your {{ term.tier }} membership ends <when>, {{ term.ends_on }}.",
            "{% if grace.days > 0 %}We keep your tier for {{ grace.days }} days, until {{ grace.until }}. Renew by then "
            "and you go on exactly where you were.{% else %}Renew now and everything goes on without a break.{% endif %}",
        ]),
        "zh-hans": ("会员<when>到期{% if grace.days > 0 %}，等级为您保留 {{ grace.days }} 天{% endif %}", [
            "您的{{ term.tier }}<when>（{{ term.ends_on }}）到期。",
            "{% if grace.days > 0 %}我们为您保留等级 {{ grace.days }} 天，至 {{ grace.until }}。在此之前续费，一切照旧。"
            "{% else %}现在续费，所有权益无缝延续。{% endif %}",
        ]),
    },
    "failed": {
        "en": ("The automatic renewal of your {{ term.tier }} membership did not go through", [
            "the automatic renewal of your {{ term.tier }} membership did not go through: {% if term.days_left < 0 %}it "
            "ended on {{ term.ends_on }}{% else %}its last day is {{ term.ends_on }}{% endif %}.",
            "{% if grace.days > 0 and grace.days_left >= 0 %}We keep your tier until {{ grace.until }}. Renew by then "
            "and you go on exactly where you were.{% else %}You are welcome to renew at any time.{% endif %}",
        ]),
        "zh-hans": ("您的{{ term.tier }}自动续费未成功", [
            "您的「{{ term.tier }}」自动续费未成功，{% if term.days_left < 0 %}会员期已于 {{ term.ends_on }} 结束"
            "{% else %}会员期最后一天是 {{ term.ends_on }}{% endif %}。",
            "{% if grace.days > 0 and grace.days_left >= 0 %}我们为您保留等级至 {{ grace.until }}。在此之前续费，一切照旧。"
            "{% else %}欢迎您随时续费。{% endif %}",
        ]),
    },
}  # fmt: skip

FOOTER = {
    "en": ("You receive this because you are a member of {{ brand }}.", "Unsubscribe from these emails"),
    "zh-hans": ("您收到此邮件，是因为您是 {{ brand }} 的会员。", "退订此类邮件"),
}


def html(former, paragraphs):
    """The former letter with other paragraphs: its frame stays."""
    begin, end = former.index("<p "), former.rindex("</td></tr></table>\n<p style")
    said = "\n".join(f'<p style="margin:0 0 16px">{paragraph}</p>' for paragraph in paragraphs)
    return former[:begin] + said + "\n" + former[end:]


def text(language, paragraphs):
    why, unsubscribe = FOOTER[language]
    return "\n\n".join(paragraphs) + f"\n\n--\n{why}\n{unsubscribe}: {{{{ links.unsubscribe }}}}\n"


def letter(step, former):
    """The words of a step in the language, and where it is mail in the frame, of a version there was before."""
    subject, paragraphs = COPY[step][former.language]
    subject, *paragraphs = (words.replace("<when>", IN_DAYS[former.language]) for words in (subject, *paragraphs))
    said = [HELLO[former.language], *paragraphs]
    is_email = former.template.channel == "email"
    return {
        "language": former.language,
        "subject": subject,
        "body_text": text(former.language, said) if is_email else "\n\n".join(paragraphs),
        "body_html": html(former.body_html, said) if is_email else "",
        "published_at": PUBLISHED,
    }


def publish_copy(apps, schema_editor):
    versions = apps.get_model("campaigns", "TemplateVersion").objects
    for former in versions.filter(template__code__startswith="renewal-", number=1).select_related("template"):
        step = former.template.code.removeprefix("renewal-")
        versions.create(template=former.template, number=2, **letter(step, former))
        if step == "d0":
            failed, _created = apps.get_model("campaigns", "Template").objects.get_or_create(
                code="renewal-failed", channel=former.template.channel,
                defaults={"name": "Automatic renewal failed", "name_zh": "自动续费失败提醒"},
            )  # fmt: skip
            versions.create(template=failed, number=1, **letter("failed", former))


def widen_trigger(apps, schema_editor):
    campaigns = apps.get_model("campaigns", "Campaign").objects
    for campaign in campaigns.filter(code="renewal-cadence").select_related("current_version"):
        former = campaign.current_version
        definition = former.definition | {"trigger": former.definition["trigger"] | {"term_kinds": KINDS}}
        version = apps.get_model("campaigns", "CampaignVersion").objects.create(
            campaign=campaign, number=former.number + 1, definition=definition, published_at=PUBLISHED
        )
        campaigns.filter(pk=campaign.pk).update(current_version=version)


def start_failed_renewals(apps, schema_editor):
    campaign = apps.get_model("campaigns", "Campaign").objects.create(
        code="renewal-failed", name="Failed automatic renewals", name_zh="自动续费失败提醒", created_at=PUBLISHED
    )
    version = apps.get_model("campaigns", "CampaignVersion").objects.create(
        campaign=campaign, number=1, definition=FAILED, published_at=PUBLISHED
    )
    apps.get_model("campaigns", "Campaign").objects.filter(pk=campaign.pk).update(
        current_version=version, status="running"
    )


def name_orders(apps, schema_editor):
    """Who is enrolled already counts from an order, a last day and a zone as those do who come after."""
    schema_editor.execute("""
        UPDATE campaigns_enrollment e SET time_zone = e.facts->>'time_zone', facts = e.facts || jsonb_build_object(
          'order', coalesce(t.origin_id, t.id), 'reach_days', 7,
          'ends_on', ((e.anchor_at - interval '1 microsecond') AT TIME ZONE (e.facts->>'time_zone'))::date)
        FROM members_membershipterm t WHERE t.id = (e.facts->>'term')::bigint AND e.exited_at IS NULL
    """)


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0006_occurrences_of_orders")]

    operations = [
        migrations.RunPython(publish_copy, migrations.RunPython.noop),
        migrations.RunPython(widen_trigger, migrations.RunPython.noop),
        migrations.RunPython(start_failed_renewals, migrations.RunPython.noop),
        migrations.RunPython(name_orders, migrations.RunPython.noop),
    ]
