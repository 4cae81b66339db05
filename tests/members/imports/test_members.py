"""A members file through the whole way: staged, judged, written, compared."""

from datetime import UTC, datetime, timedelta

import pytest

from config.audit.models import AuditEntry
from members.lifecycle.models import MemberLifecycle
from members.people.models import Identity, Member
from members.terms.models import MembershipTerm
from tests.factories import TierFactory, make_member
from tests.members.imports.files import again, checked, codes, csv, issues, written

pytestmark = pytest.mark.django_db

HEADER = "会员编号,姓名,手机号,邮箱,会员等级,激活时间,到期时间,自动续费,会员状态"


@pytest.fixture
def gold(db):
    return TierFactory(code="gold", name="Gold", name_zh="金卡")


def test_chinese_headers_map_by_themselves_and_members_are_created_with_terms(gold, operator, at):
    run = written(
        csv(HEADER, [
            "A1,王小明,13812342716,Wang@Mail.cn,金卡,2026-11-02,2027-11-01,是,正常",
            "A2,李雷,86-13700001111,,gold,2026/11/1 08:30,2026年11月20日,否,临期",
        ]), actor=operator, at=at,
    )  # fmt: skip
    assert run.status == "done"
    assert (run.created_count, run.updated_count, run.unchanged_count, run.rows_rejected) == (2, 0, 0, 0)
    assert dict(Identity.objects.filter(kind="phone").values_list("value", "member__display_name")) == {
        "13812342716": "王小明", "13700001111": "李雷",
    }  # fmt: skip
    assert Identity.objects.get(kind="email").value == "wang@mail.cn"
    term = MembershipTerm.objects.get(member__display_name="王小明")
    assert term.starts_at == datetime(2026, 11, 1, 16, tzinfo=UTC)
    # The day of expiry is the last day of cover.
    assert term.ends_at == datetime(2027, 11, 1, 16, tzinfo=UTC)
    assert (term.anchor_months, str(term.anchor_on)) == (12, "2026-11-02")
    states = dict(MemberLifecycle.objects.values_list("member__display_name", "lifecycle_state"))
    assert states == {"王小明": "first_paid", "李雷": "expiring"}
    assert MemberLifecycle.objects.get(member__display_name="王小明").auto_renewal_flag is True
    assert run.comparison == []
    assert AuditEntry.objects.filter(action="import.written", target_id=str(run.pk)).count() == 1


def test_the_same_file_twice_changes_nothing(gold, operator, at):
    text = csv(HEADER, [f"A{n},N{n},138123427{n:02d},,金卡,2026-11-02,2027-11-01,是,正常" for n in range(20)])
    written(text, actor=operator, at=at)
    before = list(Member.objects.order_by("pk").values()) + list(MembershipTerm.objects.order_by("pk").values())
    run = written(text, actor=operator, at=at + timedelta(hours=1))
    assert (run.created_count, run.updated_count, run.unchanged_count) == (0, 0, 20)
    assert before == list(Member.objects.order_by("pk").values()) + list(MembershipTerm.objects.order_by("pk").values())


def test_a_changed_row_updates_and_blank_cells_leave_what_is_there(gold, operator, at):
    written(csv(HEADER, ["A1,王小明,13812342716,w@mail.cn,金卡,2026-11-02,2026-12-01,,"]), actor=operator, at=at)
    run = written(
        csv(HEADER, ["A1,王大明,13900001111,,金卡,2026-11-02,2027-01-01,,"]), actor=operator, at=at + timedelta(hours=1)
    )
    assert (run.created_count, run.updated_count, run.unchanged_count) == (0, 1, 0)
    member = Member.objects.get()
    assert member.display_name == "王大明"
    assert set(member.identities.values_list("kind", "value")) == {
        ("external_id", "A1"), ("phone", "13900001111"), ("email", "w@mail.cn"),
    }  # fmt: skip
    # The longer cover is a renewal from where the known one ends.
    assert list(member.terms.order_by("starts_at").values_list("starts_at", "ends_at")) == [
        (datetime(2026, 11, 1, 16, tzinfo=UTC), datetime(2026, 12, 1, 16, tzinfo=UTC)),
        (datetime(2026, 12, 1, 16, tzinfo=UTC), datetime(2027, 1, 1, 16, tzinfo=UTC)),
    ]
    assert MemberLifecycle.objects.get().expiration_time == datetime(2027, 1, 1, 16, tzinfo=UTC)


def test_statuses_are_compared_and_never_written(gold, operator, at):
    run = written(
        csv(HEADER, [
            "A1,a,,,金卡,2026-11-02,2027-11-01,,流失",
            "A2,b,,,金卡,2026-11-02,2027-11-01,,临期",
            "A3,c,,,金卡,2026-11-02,2027-11-01,,正常",
        ]), actor=operator, at=at,
    )  # fmt: skip
    assert set(MemberLifecycle.objects.values_list("lifecycle_state", flat=True)) == {"first_paid"}
    assert {(d["file"], d["engine"], d["rows"]) for d in run.comparison} == {
        ("churned", "first_paid", 1), ("expiring", "first_paid", 1),
    }  # fmt: skip


def test_rows_that_cannot_be_written_are_named_and_nothing_is(gold, operator, at):
    run = checked(
        csv(HEADER, [
            "A1,a,1395582,,金卡,2026-11-02,2027-11-01,,",
            "A2,b,,,银卡,2026-11-02,2027-11-01,,",
            "A3,c,,,金卡,2026-11-02,2026-10-01,,",
            "A4,d,,,金卡,2026-02-30,2027-11-01,,",
            "A5,e,,not-mail,金卡,2026-11-02,2027-11-01,maybe,",
            ",f,,,金卡,2026-11-02,2027-11-01,,",
            "A7,g,,,金卡,,2027-11-01,,",
            "A8,h,,,金卡,2026-11-02,,,",
            "A9,i,,,,2026-11-02,2027-11-01,,",
            "B1,j,,,金卡,11/02/2026,NaN,,",
        ]), actor=operator, at=at,
    )  # fmt: skip
    assert run.status == "checked"
    assert issues(run) == [
        (2, "phone", "bad_phone", "1395582"),
        (3, "tier", "unknown_tier", "银卡"),
        (4, "expiration_time", "ends_before_start", "2026-10-01"),
        (5, "activation_time", "no_such_date", "2026-02-30"),
        (6, "auto_renewal_flag", "bad_flag", "maybe"),
        (6, "email", "bad_email", "not-mail"),
        (7, "", "no_identity", ""),
        (8, "activation_time", "start_missing", ""),
        (9, "expiration_time", "end_missing", ""),
        (10, "tier", "tier_missing", ""),
        (11, "activation_time", "ambiguous_date", "11/02/2026"),
        (11, "expiration_time", "not_a_number", "NaN"),
    ]
    assert run.rows_rejected == 10
    assert not Member.objects.exists()


def test_duplicates_within_the_file_and_against_the_database(gold, operator, at):
    make_member(at=at, identities={"external_id": "X1", "phone": "13800000000"})
    run = checked(
        csv("external_id,phone", [
            "A1,13700000000", "A1,13700000001", "A2,13700000000", "A3,13800000000", "A4,13700000009",
        ]),
        actor=operator, at=at,
    )  # fmt: skip
    assert [(row, field, code) for row, field, code, _ in issues(run)] == [
        (2, "external_id", "duplicate"), (2, "phone", "duplicate"), (3, "external_id", "duplicate"),
        (4, "phone", "duplicate"), (5, "external_id", "contact_of_another"),
    ]  # fmt: skip
    assert run.to_create == 1


def test_valid_rows_only_is_an_explicit_choice(gold, operator, at):
    text = csv("external_id,phone", ["A1,13700000000", "A2,123"])
    run = written(text, actor=operator, at=at, mode="valid")
    assert (run.created_count, run.rows_rejected) == (1, 1)
    assert list(Identity.objects.filter(kind="external_id").values_list("value", flat=True)) == ["A1"]


def test_full_width_serials_and_other_spellings_are_understood(gold, operator, at):
    run = written(
        csv(HEADER, [
            "Ａ１,a,１３８１２３４２７１６,,金卡,２０２６－１１－０２,２０２７年１月１日,,",
            "A2,b,,,金卡,46328,46358,,",
            "A3,c,,,金卡,20261102,2026.12.01,,",
            "A4,d,,,金卡,2026-11-02T10:00:00+08:00,2026-12-01T10:00:00Z,,",
        ]), actor=operator, at=at,
    )  # fmt: skip
    terms = {t.member.display_name: (t.starts_at, t.ends_at) for t in MembershipTerm.objects.select_related("member")}
    nov2 = datetime(2026, 11, 1, 16, tzinfo=UTC)
    assert terms["a"] == (nov2, datetime(2027, 1, 1, 16, tzinfo=UTC))
    assert terms["b"] == (nov2, datetime(2026, 12, 2, 16, tzinfo=UTC))
    assert terms["c"] == (nov2, datetime(2026, 12, 1, 16, tzinfo=UTC))
    assert terms["d"] == (datetime(2026, 11, 2, 2, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC))
    assert Identity.objects.filter(kind="phone", value="13812342716").exists()
    assert Identity.objects.filter(kind="external_id", value="A1").exists()
    assert codes(run) == {"excel_serial"}
    assert run.issues.filter(severity="error").count() == 0


def test_overlap_with_known_cover_is_refused(gold, operator, at):
    written(csv(HEADER, ["A1,a,,,金卡,2026-06-01,2026-12-31,,"]), actor=operator, at=at)
    run = checked(csv(HEADER, ["A1,a,,,金卡,2026-01-01,2026-08-01,,"]), actor=operator, at=at)
    assert codes(run) == {"overlap"}


def test_other_columns_can_be_kept_as_attributes(operator, at):
    from members.imports.operations.uploads import receive, start_check
    from members.imports.operations.work import work
    from members.imports.operations.writes import confirm
    from tests.members.imports.files import upload

    run = receive(upload=upload(csv("external_id,推荐人工号", ["A1,0042"])), actor=operator, at=at)
    assert run.mapping == ["external_id", ""]
    start_check(run_id=run.pk, mapping=["external_id", "+"], options={})
    work(run_id=run.pk, at=at)
    confirm(run_id=run.pk, mode="all", actor=operator, at=at)
    work(run_id=run.pk, at=at)
    assert again(run).status == "done"
    assert Member.objects.get().attributes == {"推荐人工号": "0042"}
