"""The pages of tags, as an operator uses them and a viewer may not."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from config.audit.models import AuditEntry
from config.demo.deeds import name_values
from members.people.models import Member
from members.segments.operations.saving import save_segment
from members.segments.schema import read_rule
from members.tags.models import MemberTag, Tag
from members.tags.operations.refreshing import refresh_tag
from members.tags.operations.saving import save_tag
from tests import factories

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
IN_X = {"kind": "profile.city", "op": "is", "values": ["x"]}
WORDS = {"name": "From X", "name_zh": "来自X", "kind": "custom", "tone": "good", "action": "Call", "reason": ""}


def draft(*items):
    return json.dumps({"include": {"kind": "all", "items": list(items)}, "exclude": {"kind": "not", "items": []}})


@pytest.fixture
def carried(db):
    """A member of X and the tag whose rule found her."""
    member = factories.make_member(at=AT - timedelta(days=9), city="x")
    rule = read_rule({"version": 1, "root": {"kind": "all", "items": [IN_X]}})
    tag = save_tag(rule=rule, name="From X", kind="motive", action="Call her", actor=None, at=AT)
    refresh_tag(tag_id=tag.pk, at=AT)
    return member, Tag.objects.get(pk=tag.pk)


def text(response):
    assert response.status_code == 200, response
    return response.content.decode()


def test_the_list_leads_to_carriers_and_shows_each_kind(viewer_client, carried):
    _member, tag = carried
    page = text(viewer_client.get(reverse("tags:index")))
    for label in Tag.Kind.labels:
        assert str(label) in page
    assert f'href="{reverse("members:list")}?tag={tag.code}" data-count="1">1</a>' in page
    assert "Call her" in page
    assert reverse("tags:off", args=[tag.pk]) not in page


def test_a_tag_says_who_has_it_who_lost_it_and_what_reads_it(viewer_client, carried):
    member, tag = carried
    rule = read_rule({"version": 1, "root": {"kind": "all", "items": [{"kind": "tag.carried", "values": [tag.code]}]}})
    segment = save_segment(rule=rule, name="Reads it", actor=None, at=AT)
    Member.objects.filter(pk=member.pk).update(city="y")
    refresh_tag(tag_id=tag.pk, at=AT + timedelta(days=1))
    with time_machine.travel(AT + timedelta(days=2), tick=False):
        page = text(viewer_client.get(tag.get_absolute_url()))
    assert page.count(f"{member.get_absolute_url()}#tags") == 1
    assert "City is x" in page
    assert segment.get_absolute_url() in page
    assert 'class="hist"' in page


def test_chips_of_the_list_and_of_the_member_lead_to_the_tag(viewer_client, carried):
    member, tag = carried
    chip = f'<a class="chip" href="{tag.get_absolute_url()}">From X</a>'
    other = factories.make_member(at=AT, city="z")
    listed = text(viewer_client.get(reverse("members:list"), {"tag": tag.code}))
    assert chip in listed
    assert other.get_absolute_url() not in listed
    page = text(viewer_client.get(member.get_absolute_url()))
    assert f'<a class="chip" href="{tag.get_absolute_url()}" title="by its rule, v1">From X</a>' in page
    assert "Call her" in page
    reasons = reverse("tags:why", args=[member.pk, tag.pk])
    assert f'hx-get="{reasons}"' in page
    assert "City: x" in text(viewer_client.get(reasons))
    part = text(viewer_client.get(reasons, headers={"hx-request": "true"}))
    assert "City: x" in part
    assert "<html" not in part
    assert viewer_client.get(reverse("tags:why", args=[other.pk, tag.pk])).status_code == 404


def test_values_of_the_demo_have_chinese_names_wherever_they_stand(viewer_client):
    parent = Tag.objects.get(code="interest_feature")
    value = Tag.objects.create(
        code="v", kind=parent.kind, upkeep="value", name="cloud_backup", parent=parent, size=1,
        created_at=AT, updated_at=AT,
    )  # fmt: skip
    name_values()
    member = factories.make_member(at=AT)
    MemberTag.objects.create(member=member, code=value.code, since=AT, cause="rule", rule_version=1)
    viewer_client.cookies["django_language"] = "zh-hans"
    for page in (parent.get_absolute_url(), member.get_absolute_url()):
        shown = text(viewer_client.get(page))
        assert "云备份" in shown
        assert "cloud_backup" not in shown
    value.refresh_from_db()
    assert value.name == "cloud_backup"


def test_a_rule_written_in_the_builder_becomes_a_tag(operator_client, operator):
    step = operator_client.post(reverse("tags:new"), {"draft": draft(), "do": "add 0 profile.city"})
    assert "profile.city" in text(step)
    answer = operator_client.post(reverse("tags:new"), {"draft": draft(IN_X), "do": "save", **WORDS})
    tag = Tag.objects.latest("pk")
    assert answer["Location"] == tag.get_absolute_url()
    assert (tag.upkeep, tag.name_zh, tag.tone, tag.created_by) == ("rule", "来自X", "good", operator)
    assert tag.rule["root"]["items"] == [IN_X]


def test_without_a_condition_it_is_a_tag_by_hand(operator_client):
    operator_client.post(reverse("tags:new"), {"draft": draft(), "do": "save", **WORDS})
    assert Tag.objects.latest("pk").upkeep == "hand"


def test_what_is_incomplete_is_not_saved_and_says_so(operator_client):
    half = {"kind": "profile.city", "op": "is", "values": []}
    answer = operator_client.post(reverse("tags:new"), {"draft": draft(half), "do": "save", **WORDS})
    assert answer.status_code == 422
    assert "Complete the marked conditions." in answer.content.decode()
    answer = operator_client.post(reverse("tags:new"), {"draft": draft(IN_X), "do": "save", **WORDS, "name": ""})
    assert answer.status_code == 422
    assert not Tag.objects.filter(name="From X").exists()
    assert operator_client.post(reverse("tags:new"), {"draft": "{"}).status_code == 400


def test_a_default_is_edited_in_the_same_builder(operator_client):
    tag = Tag.objects.get(code="lazy")
    page = text(operator_client.get(reverse("tags:edit", args=[tag.pk])))
    assert "task_started" in page
    words = {**WORDS, "name": tag.name, "reason": "another rule"}
    operator_client.post(
        reverse("tags:edit", args=[tag.pk]), {"draft": draft(IN_X), "do": "save", "base_version": 1, **words}
    )
    tag.refresh_from_db()
    assert (tag.rule_version, tag.versions.first().reason) == (2, "another rule")


def test_a_circle_is_refused_with_the_form(operator_client, carried):
    _member, tag = carried
    circle = {"kind": "tag.carried", "op": "is", "values": [tag.code]}
    answer = operator_client.post(
        reverse("tags:edit", args=[tag.pk]), {"draft": draft(circle), "do": "save", "base_version": 1, **WORDS}
    )
    assert answer.status_code == 422
    assert "leads back" in answer.content.decode()


def test_of_what_the_engine_gives_only_the_words_change(operator_client):
    tag = Tag.objects.get(code="gifted")
    page = text(operator_client.get(reverse("tags:edit", args=[tag.pk])))
    assert 'id="rule"' not in page
    operator_client.post(reverse("tags:edit", args=[tag.pk]), {"draft": draft(), "do": "save", **WORDS})
    tag.refresh_from_db()
    assert (tag.name, tag.upkeep, tag.rule, tag.rule_version) == ("From X", "engine", None, 0)
    answer = operator_client.post(reverse("tags:edit", args=[tag.pk]), {"draft": draft(IN_X), "do": "save", **WORDS})
    assert answer.status_code == 422


def test_a_tag_for_each_value_is_made_and_changed(operator_client):
    data = {**WORDS, "values_of": "event", "event": "login", "property": "device", "at_least": 2, "days": 7}
    assert operator_client.post(reverse("tags:new-values"), {**data, "event": ""}).status_code == 422
    answer = operator_client.post(reverse("tags:new-values"), data)
    tag = Tag.objects.latest("pk")
    assert answer["Location"] == tag.get_absolute_url()
    assert tag.generator == {"type": "event", "event": "login", "property": "device", "at_least": 2, "days": 7}
    edit = reverse("tags:edit", args=[tag.pk])
    assert 'value="device"' in text(operator_client.get(edit))
    operator_client.post(edit, {**data, "values_of": "channel"})
    tag.refresh_from_db()
    assert (tag.generator, tag.rule_version) == ({"type": "channel"}, 2)


def test_switching_off_says_how_many_and_what_reads_it(operator_client, carried):
    member, tag = carried
    off = reverse("tags:off", args=[tag.pk])
    assert "1 member carries" in text(operator_client.get(off))
    rule = read_rule({"version": 1, "root": {"kind": "all", "items": [{"kind": "tag.carried", "values": [tag.code]}]}})
    segment = save_segment(rule=rule, name="Reads it", actor=None, at=AT)
    answer = operator_client.post(off)
    assert answer.status_code == 422
    assert segment.get_absolute_url() in answer.content.decode()
    assert MemberTag.objects.current().filter(member=member, code=tag.code).exists()


def test_a_tag_is_switched_off_and_on(operator_client, carried):
    _member, tag = carried
    operator_client.post(reverse("tags:off", args=[tag.pk]), {"reason": "not needed"})
    tag.refresh_from_db()
    assert not tag.is_enabled
    assert AuditEntry.objects.get(action="tag.switched_off").reason == "not needed"
    assert reverse("tags:on", args=[tag.pk]) in text(operator_client.get(tag.get_absolute_url()))
    operator_client.post(reverse("tags:on", args=[tag.pk]))
    tag.refresh_from_db()
    assert tag.is_enabled


def test_a_tag_is_given_and_taken_on_the_members_page(operator_client):
    member = factories.make_member(at=AT)
    tag = save_tag(name="VIP guest", kind="custom", actor=None, at=AT)
    give, take = (reverse(f"tags:{verb}", args=[member.pk]) for verb in ("give", "take"))
    assert "VIP guest" in text(operator_client.get(member.get_absolute_url()))
    page = text(operator_client.post(give, {"tag": tag.pk, "reason": "at the fair"}, follow=True))
    assert "at the fair" in page
    assert take in page
    page = text(operator_client.post(take, {"tag": tag.pk}, follow=True))
    assert "Carried before" in page
    assert not MemberTag.objects.current().filter(member=member).exists()


def test_what_was_not_given_by_hand_is_not_taken(operator_client, carried):
    member, tag = carried
    page = text(operator_client.post(reverse("tags:take", args=[member.pk]), {"tag": tag.pk}, follow=True))
    assert "This tag was not given by hand" in page
    assert MemberTag.objects.current().filter(member=member, code=tag.code).exists()


def test_a_viewer_changes_nothing(viewer_client, carried):
    member, tag = carried
    before = list(Tag.objects.values())
    for name, args in [("new", []), ("new-values", []), ("edit", [tag.pk]), ("off", [tag.pk]), ("on", [tag.pk])]:
        data = {"draft": draft(IN_X), "do": "save", **WORDS, "values_of": "channel", "at_least": 1, "days": 1}
        assert viewer_client.post(reverse(f"tags:{name}", args=args), data).status_code == 403
    for verb in ("give", "take"):
        assert viewer_client.post(reverse(f"tags:{verb}", args=[member.pk]), {"tag": tag.pk}).status_code == 403
    assert list(Tag.objects.values()) == before
    assert MemberTag.objects.filter(member=member).count() == 1
    page = text(viewer_client.get(member.get_absolute_url()))
    assert reverse("tags:give", args=[member.pk]) not in page
