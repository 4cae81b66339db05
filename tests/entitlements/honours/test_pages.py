"""The pages of honours and advisers, who may open them, and what they do."""

import pytest
import time_machine
from django.urls import reverse
from django.utils import translation

from entitlements.honours.conditions import members_of, waiting_for_adviser
from entitlements.honours.models import Adornment, AdviserAssignment, Honour, HonourRun
from entitlements.honours.operations.advising import assign_adviser
from entitlements.honours.tasks import count_waiting
from tests import factories
from tests.conftest import signed_in_client
from tests.entitlements.honours.conftest import DAY, NOW, adorned, counted, given, make_honour
from tests.entitlements.making import grant, make_benefit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


def text(response, status=200):
    assert response.status_code == status, response
    return " ".join(response.content.decode().split())


def test_an_honour_is_made_counted_looked_at_and_given(shop, operator_client, frame):
    members = [shop.member(cents) for cents in (90_000, 70_000, 70_000)]
    form = {"code": "friend", "name": "Brand friend", "style": "rose", "measure": "spend", "top": 2, "worn_days": 30,
            "benefit": frame.pk}  # fmt: skip
    assert operator_client.post(reverse("honours:new"), form).status_code == 302
    honour = Honour.objects.get()
    page = text(operator_client.post(reverse("honours:begin", args=[honour.pk]), {"year": 2026}), 422)
    assert "not over" in page
    operator_client.post(reverse("honours:begin", args=[honour.pk]), {"year": 2025})
    run = HonourRun.objects.get()
    address = reverse("honours:run", args=[run.pk])
    assert "being counted" in text(operator_client.get(address))
    count_waiting()
    page = text(operator_client.get(address))
    assert "decided by the rule for ties" in page
    assert "¥900" in page
    assert "¥200" in page
    assert reverse("members:detail", args=[members[0].pk]) in page
    run = HonourRun.objects.get()
    give = reverse("honours:confirm", args=[run.pk])
    body = {"confirm": 3, "counted_at": run.counted_at.isoformat()}
    assert "not the number" in text(operator_client.post(give, body), 422)
    old = {"confirm": 2, "counted_at": (NOW - DAY).isoformat()}
    assert "another one by now" in text(operator_client.post(give, old), 422)
    assert operator_client.post(give, body | {"confirm": 2}).status_code == 302
    shown = text(operator_client.get(reverse("members:detail", args=[members[0].pk])))
    assert "Brand friend · 2025" in shown
    assert "frame-silver" in shown
    assert operator_client.post(reverse("honours:void", args=[run.pk]), {}).status_code == 422
    operator_client.post(reverse("honours:void", args=[run.pk]), {"reason": "Wrong"})
    assert "Brand friend · 2025" not in text(operator_client.get(reverse("members:detail", args=[members[0].pk])))


def test_what_is_shown_is_edited_from_the_benefits_page(operator_client):
    benefit = adorned("badge")
    page = text(operator_client.get(reverse("benefits:detail", args=[benefit.pk])))
    assert reverse("honours:adornment", args=[benefit.pk]) in page
    body = {"form": "service", "style": "gold", "prominence": 1}
    assert operator_client.post(reverse("honours:adornment", args=[benefit.pk]), body).status_code == 302
    assert Adornment.objects.get().form == "service"
    assert "No tier gives it" in text(operator_client.get(reverse("honours:adornment", args=[benefit.pk])))
    operator_client.post(reverse("honours:adornment-remove", args=[benefit.pk]))
    assert not Adornment.objects.exists()


def test_what_has_a_limit_cannot_show_itself(operator_client):
    benefit = make_benefit()
    body = {"form": "badge", "style": "gold", "prominence": 1}
    assert "used up" in text(operator_client.post(reverse("honours:adornment", args=[benefit.pk]), body), 422)


def test_everybody_who_waits_is_assigned_from_the_page(operator_client, entitled, colleagues):
    entitled(2)
    page = text(operator_client.get(reverse("honours:advisers")))
    assert "2 members get an adviser" in page
    assert "This field is required" in text(operator_client.post(reverse("honours:spread"), {}), 422)
    body = {"advisers": [colleague.pk for colleague in colleagues]}
    assert operator_client.post(reverse("honours:spread"), body).status_code == 302
    assert AdviserAssignment.objects.current().count() == 2


def test_numbers_of_advisers_lead_to_the_members_they_count(operator_client, entitled, colleagues):
    first, second = entitled(2)
    outsider = factories.make_member(at=NOW - DAY, display_name="Outsider")
    assign_adviser(member_id=first.pk, adviser_id=colleagues[0].pk, actor=None, at=NOW)
    his, waiting = (
        text(operator_client.get(href)) for href in (members_of(colleagues[0]), waiting_for_adviser())
    )  # fmt: skip
    for member, page, is_there in ((first, his, True), (second, his, False), (second, waiting, True),
                                   (first, waiting, False), (outsider, his, False)):  # fmt: skip
        assert (f'href="{member.get_absolute_url()}"' in page) is is_there


def test_an_adviser_is_changed_on_the_members_page(operator_client, entitled, colleagues):
    (member,) = entitled(1)
    assert "waits for one" in text(operator_client.get(member.get_absolute_url()))
    address = reverse("honours:assign", args=[member.pk])
    drawer = operator_client.get(address, headers={"HX-Request": "true"})
    assert "<html" not in text(drawer)
    assert operator_client.post(address, {}).status_code == 422
    assert operator_client.post(address, {"adviser": colleagues[0].pk}).status_code == 302
    assert colleagues[0].username in text(operator_client.get(member.get_absolute_url()))
    operator_client.post(reverse("honours:unassign", args=[member.pk]))
    assert not AdviserAssignment.objects.current().exists()
    stranger = factories.make_member(at=NOW)
    body = {"adviser": colleagues[0].pk}
    assert "No benefit gives" in text(operator_client.post(reverse("honours:assign", args=[stranger.pk]), body), 422)


def test_a_viewer_looks_and_changes_nothing(shop, viewer_client, entitled, colleagues, frame):
    (member,) = entitled(1)
    shop.member(900)
    run = counted(make_honour())
    for name, args in (("index", []), ("detail", [run.honour_id]), ("run", [run.pk]), ("advisers", [])):
        assert viewer_client.get(reverse(f"honours:{name}", args=args)).status_code == 200
    confirm = {"confirm": 1, "counted_at": run.counted_at.isoformat()}
    for name, args, body in (
        ("new", [], {}), ("edit", [run.honour_id], {}), ("begin", [run.honour_id], {"year": 2024}),
        ("confirm", [run.pk], confirm), ("discard", [run.pk], {}), ("recount", [run.pk], {}),
        ("void", [run.pk], {"reason": "R"}), ("spread", [], {"advisers": [colleagues[0].pk]}),
        ("assign", [member.pk], {"adviser": colleagues[0].pk}), ("unassign", [member.pk], {}),
        ("adornment", [frame.pk], {"form": "badge", "style": "gold", "prominence": 1}),
        ("adornment-remove", [frame.pk], {}),
    ):  # fmt: skip
        assert viewer_client.post(reverse(f"honours:{name}", args=args), body).status_code == 403
    run = HonourRun.objects.get()
    assert run.is_draft
    assert run.counted_at
    assert not AdviserAssignment.objects.exists()
    assert Honour.objects.count() == 1 == HonourRun.objects.count()
    assert set(Adornment.objects.filter(benefit=frame).values_list("form", flat=True)) == {"frame"}


def test_a_list_goes_on_behind_the_last_rank(shop, viewer_client):
    for cents in range(1, 53):
        shop.member(cents * 100)
    run = given(make_honour(top=60))
    address = reverse("honours:run", args=[run.pk])
    first, second = text(viewer_client.get(address)), text(viewer_client.get(f"{address}?after=50"))
    assert first.count('<th scope="row">') == 50
    assert second.count('<th scope="row">') == 2
    assert "?after=50" in first
    assert viewer_client.get(f"{address}?after=x").status_code == 200


def test_the_pages_in_chinese_name_things_in_chinese(shop, user_with):
    benefit = adorned("badge", name_zh="徽章")
    member = shop.member(900)
    grant(member, benefit, NOW, amount=None)
    given(make_honour(name_zh="品牌挚友"))
    client = signed_in_client(user_with("viewer"))
    with translation.override("zh-hans"):
        client.cookies["django_language"] = "zh-hans"
        page = text(client.get(member.get_absolute_url()))
    assert "品牌挚友 · 2025" in page
    assert "徽章" in page
