"""Values of benefits are never told without what they are counted in, nor a month that runs as if it were over."""

import pytest
from django.urls import reverse
from django.utils import translation

from entitlements.benefits.models import Benefit, LadderVersion
from entitlements.benefits.words import amount_text, level_text
from members.plans.models import Tier


@pytest.mark.parametrize(
    ("unit", "unit_zh", "level", "english", "chinese"),
    [
        ("devices", "台", "4", "4 devices", "4 台"),
        ("minutes", "分钟", "240", "240 minutes", "240 分钟"),
        ("of the price", "折", "0.88", "0.88 of the price", "8.8 折"),
        ("of the price", "折", "0.9", "0.9 of the price", "9 折"),
        ("", "", "4K", "4K", "4K"),
        ("devices", "台", "4K", "4K", "4K"),
        ("devices", "", "2", "2 devices", "2 devices"),
    ],
)
def test_a_level_that_is_a_number_has_its_unit(unit, unit_zh, level, english, chinese):
    benefit = Benefit(code="b", unit=unit, unit_zh=unit_zh)
    with translation.override("en"):
        assert level_text(benefit, level) == english
    with translation.override("zh-hans"):
        assert level_text(benefit, level) == chinese


def test_an_amount_has_its_unit():
    benefit = Benefit(code="album", unit="GB", unit_zh="GB")
    with translation.override("zh-hans"):
        assert amount_text(benefit, 1000) == "1,000 GB"


@pytest.mark.django_db
def test_pages_say_units_and_mark_the_month_that_runs(viewer_client, at):
    tier = Tier.objects.create(code="gold", name="Gold", position=7)
    devices = Benefit.objects.create(
        code="many", name="Devices", kind="access", unit="devices", unit_zh="台", created_at=at
    )
    LadderVersion.objects.get(status="active").cells.create(tier=tier, benefit=devices, level="4")
    page = viewer_client.get(devices.get_absolute_url()).content.decode()
    assert "4 devices" in page
    assert "4 devices" in viewer_client.get(reverse("ladder:index")).content.decode()
    months = viewer_client.get(reverse("benefits:index")).content.decode()
    assert months.count("so far") == 1
    assert months.index("so far") > months.index("2026-11")
