from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from config.console import formats

AT = datetime(2026, 11, 20, 6, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def shanghai():
    with timezone.override(ZoneInfo("Asia/Shanghai")):
        yield


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (41280, "CNY", "¥412.80"),
        (18000, "CNY", "¥180"),
        (-5, "CNY", "−¥0.05"),
        (0, "CNY", "¥0"),
        (120600, "USD", "$1,206"),
        (500, "JPY", "JP¥500"),
        (1234, "KWD", "KWD 1.234"),
        (None, "CNY", "—"),
    ],
)
def test_money(amount, currency, text):
    assert formats.money_text(amount, currency) == text


@pytest.mark.parametrize(
    ("share", "whole", "tenths"),
    [
        (0, "0%", "0.0%"),
        (0.0004, "<1%", "<0.1%"),
        (0.004, "<1%", "0.4%"),
        (0.006, "1%", "0.6%"),
        (0.994, "99%", "99.4%"),
        (0.996, ">99%", "99.6%"),
        (0.9999, ">99%", ">99.9%"),
        (1, "100%", "100.0%"),
        (1.2, "120%", "120.0%"),
        (-0.1, "−10%", "−10.0%"),
        (None, "—", "—"),
    ],
)
def test_few_are_not_called_none_nor_most_all(share, whole, tenths):
    assert (formats.percent_text(share), formats.percent_text(share, digits=1)) == (whole, tenths)


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (999, "999", "999"),
        (9_999, "9,999", "9,999"),
        (486_120, "48.6 万", "486 K"),
        (3_864_000, "386 万", "3.86 M"),
        (123_000_000, "1.23 亿", "123 M"),
        (-20_000, "−2 万", "−20 K"),
        (None, "—", "—"),
    ],
)
def test_compact_numbers_speak_each_language(value, zh, en):
    with translation.override("zh-hans"):
        assert formats.compact_number_text(value) == zh
    with translation.override("en"):
        assert formats.compact_number_text(value) == en


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(), "just now"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(minutes=-59), "59 minutes ago"),
        (timedelta(minutes=5), "in 5 minutes"),
        (timedelta(hours=-5), "today 09:05"),
        (timedelta(hours=-15), "yesterday 23:05"),
        (timedelta(hours=20), "tomorrow 10:05"),
        (timedelta(days=7), "in 7 days"),
        (timedelta(days=-3), "3 days ago"),
        (timedelta(days=-400), "2025-10-16"),
    ],
)
def test_instants_in_the_viewers_zone(delta, text):
    assert formats.instant_text(AT + delta, AT) == text


def test_local_midnight_divides_the_days():
    late = datetime(2026, 11, 19, 15, 59, tzinfo=UTC)
    assert formats.instant_text(late, AT) == "yesterday 23:59"
    with timezone.override(UTC):
        assert formats.instant_text(late, AT) == "yesterday 15:59"
        assert formats.instant_text(late + timedelta(hours=9), AT) == "today 00:59"


def test_exact_time_names_its_offset():
    assert formats.exact_text(AT) == "2026-11-20 14:05 (UTC+8)"
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        assert formats.exact_text(AT) == "2026-11-20 11:35 (UTC+5:30)"
    with timezone.override(ZoneInfo("America/St_Johns")):
        assert formats.exact_text(AT) == "2026-11-20 02:35 (UTC-3:30)"


def test_heading_days():
    today = date(2026, 11, 20)
    assert formats.heading_day_text(today, today) == "Today"
    assert formats.heading_day_text(date(2026, 11, 19), today) == "Yesterday"
    assert formats.heading_day_text(date(2026, 11, 16), today) == "November 16"
    assert formats.heading_day_text(date(2025, 11, 16), today) == "Nov. 16, 2025"
    with translation.override("zh-hans"):
        days = [formats.heading_day_text(date(*day), today) for day in ((2026, 9, 30), (2026, 10, 7), (2025, 9, 3))]
    assert days == ["9月30日", "10月7日", "2025年9月3日"]


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("王小明", "王*明"),
        ("王明", "王*"),
        ("王", "王*"),
        ("欧阳静", "欧阳*"),
        ("欧阳静怡", "欧阳*怡"),
        ("Yue Shen", "Yue S."),
        ("Madonna", "M***"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_masked_names(name, masked):
    assert formats.mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812342716", "138****2716"),
        ("+8613812342716", "+86138****2716"),
        ("1395582", "1****5582"),
        ("12", "**"),
        ("1234", "**34"),
        ("", ""),
    ],
)
def test_masked_phones(phone, masked):
    assert formats.mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("email", "masked"),
    [("wang@mail.cn", "w***g@mail.cn"), ("ab@x.io", "a***@x.io"), ("", ""), ("nobody", "n***")],
)
def test_masked_addresses(email, masked):
    assert formats.mask_email(email) == masked
