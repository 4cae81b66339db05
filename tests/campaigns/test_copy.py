import json
from email import message_from_bytes, policy

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from campaigns.models import Campaign, TemplateVersion
from campaigns.operations import rendering
from campaigns.operations.copy import compose_email, words
from campaigns.operations.planning import step_rows
from campaigns.operations.rendering import CopyError, parse
from tests.campaigns.world import AT

pytestmark = pytest.mark.django_db

CONTEXT = {
    "brand": "Acme",
    "member": {"name": "Zhou Lan"},
    "term": {"ends_on": "19 November 2026", "days_left": 3, "tier": "Gold", "plan": "Monthly"},
    "grace": {"days": 3, "until": "22 November 2026", "days_left": 6},
}


@pytest.fixture
def version() -> TemplateVersion:
    return TemplateVersion.objects.get(template__code="renewal-d3", template__channel="email", language="en", number=2)


def test_every_step_has_copy_in_every_language(settings):
    wanted = {
        (row["template"], row["channel"], language)
        for campaign in Campaign.objects.all()
        for row in step_rows(campaign.current_version)
        for language, _name in settings.LANGUAGES
    }
    there = set(TemplateVersion.objects.values_list("template__code", "template__channel", "language"))
    assert wanted <= there


@pytest.mark.parametrize("name", ["Zhou Lan", ""])
def test_every_published_version_renders(name):
    for version in TemplateVersion.objects.select_related("template"):
        said = words(template_version_id=version.pk, context={**CONTEXT, "member": {"name": name}}, intent_id=1)
        for part in (said.subject, said.text, said.html):
            assert "{" not in part
        assert said.subject
        assert said.text
        assert bool(said.html) == (version.template.channel == "email")
        assert ("/unsubscribe/" in said.text) == (version.template.channel == "email")


@pytest.mark.parametrize(
    ("days_left", "en", "zh"), [(0, "today", "今天"), (1, "tomorrow", "明天"), (2, "in 2 days", "还有 2 天")]
)
def test_the_words_for_a_day_come_from_the_days_left_in_every_step_and_language(days_left, en, zh):
    context = CONTEXT | {"term": CONTEXT["term"] | {"days_left": days_left}}
    newest = TemplateVersion.objects.order_by("template_id", "language", "-number").distinct("template_id", "language")
    for version in newest.filter(template__code__startswith="renewal-d"):
        letter = words(template_version_id=version.pk, context=context, intent_id=1)
        every = ("today", "tomorrow", "in 2 days", "今天", "明天", "还有 2 天")
        said = {word for word in every if word in letter.subject or word in letter.text}
        assert said == {en if version.language == "en" else zh}, (version, letter.subject)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(blacklist_categories=["Cs"]), max_size=80), tier=st.text(max_size=60))
def test_whatever_a_name_holds_the_mail_stays_whole(version, name, tier):
    """No header, part or dot can be smuggled in; what was said can be read back."""
    context = {**CONTEXT, "member": {"name": name}, "term": {**CONTEXT["term"], "tier": tier}}
    raw = compose_email(
        intent_id=7, address="a@example.com", template_version_id=version.pk, context=json.dumps(context),
        installation="ab", at=AT,
    )  # fmt: skip
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    lines = raw.split(b"\r\n")
    assert not any(line.startswith(b".") or b"\n" in line or b"\r" in line or len(line) > 998 for line in lines)
    mail = message_from_bytes(raw, policy=policy.default)
    said = words(template_version_id=version.pk, context=context, intent_id=7)
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert mail.get_body(("plain",)).get_payload(decode=True).decode() == said.text
    assert mail.get_body(("html",)).get_payload(decode=True).decode() == said.html
    assert sorted(mail.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted",
         "MIME-Version", "Content-Type"]
    )  # fmt: skip


def test_the_same_facts_give_the_same_bytes(version):
    def once() -> bytes:
        return compose_email(
            intent_id=7, address="a@example.com", template_version_id=version.pk, context=json.dumps(CONTEXT),
            installation="ab", at=AT,
        )  # fmt: skip

    assert once() == once()


ATTACKS = [
    "{{ nobody }}",
    "{{ member.nothing.at.all }}",
    "{{ member.__class__.__mro__ }}",
    "{% include 'settings' %}",
    "{% render 'settings' %}",
    "{% for i in (1..100000000) %}x{% endfor %}",
    "{% for i in (1..900) %}{% for j in (1..900) %}x{% endfor %}{% endfor %}",
    "{{ 'x' | nonsense }}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_copy_reaches_nothing_but_its_facts(attack, version):
    with pytest.raises(CopyError):
        _render(attack, version)


def _render(body: str, version: TemplateVersion) -> str:
    parse("x", body, "")
    hostile = TemplateVersion.objects.create(
        template=version.template, language="en", number=99, subject="x", body_text=body, published_at=AT
    )
    return words(template_version_id=hostile.pk, context=CONTEXT, intent_id=1).text


@pytest.mark.parametrize("broken", ["{% if %}", "{{ 'x' ", "{% nonsense %}"])
def test_what_is_no_liquid_is_refused_before_it_is_published(broken):
    with pytest.raises(CopyError):
        parse("x", broken, "")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(name="a\rb\r\nc", tier="")
@given(
    name=st.text(st.characters(blacklist_categories=["Cs"]), max_size=40) | st.sampled_from(["<b>", "\ue000l\ue001"]),
    tier=st.text(st.characters(blacklist_categories=["Cs"]), max_size=20) | st.just("\ue000n\ue001"),
)
def test_words_shared_by_all_are_the_words_rendered_for_one(version, name, tier):
    facts = {**CONTEXT, "member": {"name": name}, "term": {**CONTEXT["term"], "tier": tier}}
    facts["links"] = {"unsubscribe": f"https://example.com/u/{name[:1]}&1"}
    copy = parse(version.subject, version.body_text, version.body_html)
    assert copy.is_shared
    assert rendering.render(version.pk, facts) == copy.render(facts)


@pytest.mark.parametrize(
    "body",
    [
        "{{ member.name | upcase }}",
        "{% if member.name == 'Ada' %}!{% endif %}",
        "{% if member.name.size > 4 %}!{% endif %}",
        "{% assign n = member.name %}{{ n | upcase }}",
        "{% capture n %}{{ member.name }}{% endcapture %}{{ n | upcase }}",
        "{% assign k = 'mem' | append: 'ber' %}{{ [k].name | upcase }}",
        "{% for x in links %}{{ x[1] }}{% endfor %}",
        "{{ member['name'] }}",
    ],
)
def test_a_template_that_looks_into_the_name_is_rendered_for_each(body):
    assert not parse("x", body, "").is_shared
