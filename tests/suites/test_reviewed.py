"""Every reviewed setting keeps to the second person, whatever its content: no new one can escape this."""

import ast
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.db import IntegrityError, connection, models, transaction
from django.test import Client
from django.test.utils import isolate_apps
from django.urls import reverse
from django.utils import translation

from config.audit.models import AuditEntry
from config.console.reviews import PAGES
from config.engine import tasks
from config.engine.guards import guard_versions
from config.engine.refusal import Refused
from config.engine.reviewed.models import ReviewedVersion, constraints
from config.engine.reviewed.operations import REVIEWED, Review
from config.engine.words import REFUSALS
from config.staff.access import Role
from config.staff.models import User
from entitlements.benefits.models import FREE, Benefit, LadderVersion, PlanBenefit, TierBenefit
from entitlements.ladder.operations import set_cell
from entitlements.tiers.models import QualificationPolicy, TierRule, TierRung
from entitlements.tiers.operations.policies import Asked
from tests import factories
from tests.check_translations import CHINESE
from tests.conftest import AT, signed_in_client
from tests.entitlements.making import make_benefit

DAY = timedelta(days=1)
ROOT = Path(__file__).resolve().parents[2]
APPS = ("config", "members", "entitlements", "tasks_engine", "campaigns")
# Where data comes in from outside: endpoints and files.
WAYS_IN = {"api", "imports", "files", "resources.py"}

pytestmark = pytest.mark.django_db

Change = Callable[[User, int], Any]


def by_values(review: Review[Any], name: str) -> Change:
    """Change a number: a new draft, or the one there is."""

    def change(actor: User, value: int) -> Any:
        draft = review.model.objects.filter(status="draft").first()
        if draft is None:
            return review.propose(actor=actor, at=AT, note="Change", **{name: value})
        return review.revise(draft.pk, actor=actor, at=AT, note="Change", **{name: value})

    return change


def by_cell(actor: User, value: int) -> Any:
    benefit = Benefit.objects.first() or make_benefit()
    values = {"amount": value, "level": "", "is_held_in_grace": True, "early_hours": 0}
    return set_cell(benefit=benefit, tier=None, plan=None, values=values, actor=actor, at=AT)


# How a draft of each setting is written or changed.
CHANGES: dict[str, Callable[[Review[Any]], Change]] = {
    "policy": lambda review: by_values(review, "churn_after_days"),
    "qualification": lambda review: by_values(review, "grace_days"),
    "ladder": lambda review: by_cell,
    "restore_rule": lambda review: by_values(review, "tier_days"),
}


@pytest.fixture(params=[review.code for review in REVIEWED])
def review(request) -> Review[Any]:
    found = REVIEWED.get(request.param)
    assert found is not None
    return found


@pytest.fixture
def change(review) -> Change:
    assert review.code in CHANGES, f"tell tests/suites/test_reviewed.py how a draft of {review.code} is changed"
    return CHANGES[review.code](review)


@pytest.fixture
def second(user_with) -> User:
    return user_with(Role.ADMIN)


def submitted(review: Review[Any], draft: Any, actor: User, **values: Any) -> Any:
    review.look_ahead(draft.pk, at=AT)
    return review.submit(draft.pk, actor=actor, at=AT, **values)


def test_every_reviewed_version_is_registered_with_its_pages():
    kinds = {model for model in apps.get_models() if issubclass(model, ReviewedVersion)}
    assert {review.model for review in REVIEWED} == kinds
    assert {pages.review.code for pages in PAGES} == {review.code for review in REVIEWED}


@pytest.mark.parametrize("part", ["wrote", "changed", "submitted"])
def test_whoever_had_a_part_in_it_does_not_approve(review, change, part, operator, approver, second):
    draft = change(approver if part == "wrote" else operator, 9)
    if part == "changed":
        draft = change(approver, 8)
    submitted(review, draft, approver if part == "submitted" else operator)
    before = AuditEntry.objects.count()
    with pytest.raises(Refused, match="same_person"):
        review.approve(draft.pk, actor=approver, at=AT, reason="It is fine")
    assert AuditEntry.objects.count() == before
    assert review.active().version == 1
    assert review.approve(draft.pk, actor=second, at=AT).status == "active"
    former = review.model.objects.get(version=1)
    assert (former.status, review.active().approved_by) == ("retired", second)


@pytest.mark.parametrize("part", ["wrote", "changed", "submitted"])
def test_the_database_keeps_to_the_second_person(review, change, part, operator, approver, second):
    draft = change(approver if part == "wrote" else operator, 9)
    if part == "changed":
        draft = change(approver, 8)
    submitted(review, draft, approver if part == "submitted" else operator)
    rows, signed = review.model.objects.filter(pk=draft.pk), {"approved_by": approver, "approved_at": AT}
    with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
        rows.update(**signed)
    review.model.objects.in_force().update(status="retired")
    with pytest.raises(IntegrityError, match="reviewed"), transaction.atomic():
        rows.update(status="active")


def test_who_changed_a_draft_is_not_forgotten(review, change, operator, approver):
    change(operator, 9)
    draft = change(approver, 8)
    assert draft.author_ids == {operator.pk, approver.pk}
    for forgotten in ({"changed_by": []}, {"created_by": None}):
        with pytest.raises(IntegrityError, match="forgets who wrote it"), transaction.atomic():
            review.model.objects.filter(pk=draft.pk).update(**forgotten)


def test_the_only_approver_may_approve_their_own_with_a_reason(review, change, approver, user_with):
    other = user_with(Role.ADMIN)
    draft = submitted(review, change(approver, 9), approver)
    with pytest.raises(Refused, match="same_person"):
        review.approve(draft.pk, actor=approver, at=AT, reason="Nobody else is here")
    other.is_active = False
    other.save(update_fields=["is_active"])
    with pytest.raises(Refused, match="reason_needed"):
        review.approve(draft.pk, actor=approver, at=AT)
    assert review.active().version == 1
    found = review.approve(draft.pk, actor=approver, at=AT, reason="Nobody else is here")
    assert (found.status, found.self_approval_reason) == ("active", "Nobody else is here")
    entry = AuditEntry.objects.get(action=f"{review.code}.self_approved")
    assert (entry.actor, entry.reason) == (approver, "Nobody else is here")


def test_an_operator_who_is_alone_approves_nothing(review, change, operator):
    draft = submitted(review, change(operator, 9), operator)
    with pytest.raises(Refused, match="same_person"):
        review.approve(draft.pk, actor=operator, at=AT, reason="Nobody else is here")


def test_content_is_fixed_once_submitted(review, change, operator):
    draft = submitted(review, change(operator, 9), operator)
    rows = review.model.objects.filter(pk=draft.pk)
    for column in (*review.columns, "note", "preview", "submitted_at", "starts_at"):
        field = review.model._meta.get_field(column)
        other = f"NOT {field.column}" if isinstance(field, models.BooleanField) else "NULL"
        if isinstance(field, (models.IntegerField, models.FloatField)):
            other = f"{field.column} + 1"
        elif isinstance(field, models.CharField):
            other = "'x'"
        elif column == "starts_at":
            other = "'2026-12-31'"
        with (
            pytest.raises(IntegrityError, match="its content is fixed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                f"UPDATE {review.model._meta.db_table} SET {field.column} = {other} WHERE id = %s", [draft.pk]
            )
    with pytest.raises(IntegrityError, match="its content is fixed"), transaction.atomic():
        rows._raw_delete(rows.db)


def test_the_cells_of_a_submitted_ladder_and_the_rungs_of_a_submitted_policy_are_fixed(operator):
    ladder, policy = REVIEWED.get("ladder"), REVIEWED.get("qualification")
    draft = submitted(ladder, by_cell(operator, 9), operator)
    cells = draft.cells.all()
    asked = policy.propose(
        actor=operator, at=AT, note="Silver", rungs=[Asked(factories.TierFactory().pk, "all", {"spend": 100})]
    )
    rung = submitted(policy, asked, operator).rungs.get()
    plan, benefit = factories.PlanFactory(), make_benefit()
    attempts = [
        lambda: cells.update(amount=1), lambda: cells.delete(), lambda: rung.rules.update(threshold=1),
        lambda: rung.rules.all().delete(), lambda: draft.additions.create(plan=plan, benefit=benefit),
    ]  # fmt: skip
    for attempt in attempts:
        with pytest.raises(IntegrityError, match="its content is fixed"), transaction.atomic():
            attempt()


def test_a_version_waits_for_its_day(review, change, operator, approver, monkeypatch):
    day = AT + 3 * DAY
    draft = submitted(review, change(operator, 9), operator, starts_at=day)
    with pytest.raises(Refused, match="not_waiting"):
        review.submit(draft.pk, actor=operator, at=AT)
    assert review.approve(draft.pk, actor=approver, at=AT).status == "scheduled"
    monkeypatch.setattr(tasks, "now", lambda: day - timedelta(seconds=1))
    tasks.activate_versions()
    assert review.active().version == 1
    monkeypatch.setattr(tasks, "now", lambda: day)
    tasks.activate_versions()
    tasks.activate_versions()
    active = review.active()
    assert (active.pk, active.activated_at) == (draft.pk, day)
    assert AuditEntry.objects.filter(action=f"{review.code}.activated").count() == 1


def test_a_day_that_is_over_and_a_draft_that_changes_nothing_are_refused(review, change, operator):
    draft = change(operator, 9)
    with pytest.raises(Refused, match="no_preview"):
        review.submit(draft.pk, actor=operator, at=AT)
    review.look_ahead(draft.pk, at=AT)
    with pytest.raises(Refused, match="past"):
        review.submit(draft.pk, actor=operator, at=AT, starts_at=AT)
    if review.columns:
        same = {name: getattr(review.active(), name) for name in review.columns}
        review.revise(draft.pk, actor=operator, at=AT, note="", **same)
        # A lifecycle is looked ahead at once in a transaction.
        review.model.objects.filter(pk=draft.pk).update(preview={}, previewed_at=AT)
        with pytest.raises(Refused, match="unchanged"):
            review.submit(draft.pk, actor=operator, at=AT)


def edit_on_page(client: Client, review: Review[Any], draft: Any) -> None:
    """Open the page where a draft is changed and send its form with one thing changed."""
    if review.code == "ladder":
        page, changed = reverse("ladder:cell", args=[FREE, Benefit.objects.get().code]), {"amount": 7}
    else:
        page, changed = PAGES[review.code].address("edit", draft.pk), {"note": "Mine", "action": "save"}
    form = client.get(page).context["form"]
    shown = {field.html_name: field.value() for field in form}
    sent = {name: value for name, value in (shown | changed).items() if value is not None and value is not False}
    assert client.post(page, sent).status_code == 302


def test_whoever_edits_a_draft_on_its_page_does_not_approve_it(review, change, operator, approver, second):
    """Seen before there was one rule: an approver opened an operator's draft, changed it and approved it."""
    draft = change(operator, 9)
    edit_on_page(signed_in_client(approver), review, draft)
    submitted(review, draft, operator)
    page = PAGES[review.code].address("approve", draft.pk)
    answer = signed_in_client(approver).post(page, {"reason": "It is fine"}, follow=True)
    assert [str(said) for said in answer.context["messages"]] == [str(REFUSALS["same_person"])]
    assert review.active().version == 1
    signed_in_client(second).post(page, {"reason": ""})
    assert review.active().pk == draft.pk


def tables_of(model: type[models.Model]) -> set[type[models.Model]]:
    """The table of versions and those of its parts: what has no meaning without it."""
    parts = {
        relation.related_model
        for relation in model._meta.related_objects
        if relation.on_delete is models.CASCADE and isinstance(relation.related_model, type)
    }
    return {model}.union(*(tables_of(part) for part in parts))


def test_the_tables_of_parts_are_found():
    assert tables_of(REVIEWED["ladder"].model) == {LadderVersion, TierBenefit, PlanBenefit}
    assert tables_of(REVIEWED["qualification"].model) == {QualificationPolicy, TierRung, TierRule}


def test_raw_records_write_no_part_of_a_version(review, change, operator, admin_client):
    draft = change(operator, 9)
    for model in tables_of(review.model) & set(site._registry):
        row = model._default_manager.order_by("-pk").first()
        at, arguments = f"admin:{model._meta.app_label}_{model._meta.model_name}", [row.pk] if row else [1]
        for page in (f"{at}_change", f"{at}_delete"):
            assert admin_client.post(reverse(page, args=arguments), {"post": "yes"}).status_code == 403
        assert admin_client.post(reverse(f"{at}_add"), {}).status_code == 403
    assert review.model.objects.get(pk=draft.pk).author_ids == {operator.pk}


def test_no_endpoint_and_no_file_of_imports_writes_a_version():
    """Who comes by them leaves no name among the authors; they have no business with what is reviewed."""
    names = {review.model.__name__ for review in REVIEWED} | {"Review", "REVIEWED"}
    names |= {table.__name__ for review in REVIEWED for table in tables_of(review.model)}
    ways_in = [path for app in APPS for path in (ROOT / app).rglob("*.py") if WAYS_IN & set(path.parts)]
    assert len(ways_in) > 20
    found = {
        f"{path.relative_to(ROOT)}: {alias.name}"
        for path in ways_in
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in names or "reviewed" in (node.module or "")
    }
    assert found == set()


@pytest.mark.parametrize(
    ("migration", "table", "changed", "submitted_as"),
    [
        ("members.migrations.0028_reviewed", "members_lifecyclepolicy", "policy.revised", "policy.submitted"),
        ("entitlements.migrations.0011_reviewed", "entitlements_ladderversion", "ladder.changed", "ladder.submitted"),
    ],
)
def test_authors_of_what_waited_before_are_read_from_the_audit_log(
    migration, table, changed, submitted_as, operator, approver
):
    review = REVIEWED["policy" if changed.startswith("policy") else "ladder"]
    change = CHANGES[review.code](review)
    change(operator, 9)
    draft = submitted(review, change(approver, 8), approver)
    fill = import_module(migration).AUTHORS.format(table=table, changed=changed, submitted=submitted_as)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"UPDATE {table} SET changed_by = '{{}}', submitted_by_id = created_by_id")
        cursor.execute(fill)
        cursor.execute("SET LOCAL session_replication_role = origin")
    draft = review.model.objects.get(pk=draft.pk)
    assert draft.submitted_by == approver
    assert draft.author_ids == {operator.pk, approver.pk}


def test_the_page_tells_an_author_why_there_is_no_button(review, change, operator, approver, second):
    pages = PAGES.get(review.code)
    change(operator, 9)
    draft = submitted(review, change(approver, 8), operator)
    author = signed_in_client(approver).get(pages.page(draft.pk)).content.decode()
    other = signed_in_client(second).get(pages.page(draft.pk)).content.decode()
    words = "You wrote, changed or submitted part of this version, so somebody else has to approve it."
    assert words in author
    assert words not in other
    button = '<button class="btn btn-primary" type="submit">Approve'
    assert (button in author, button in other) == (False, True)
    for page in (author, other):
        assert "Changed by" in page
        assert approver.shown_name in page


def test_the_pages_speak_both_languages():
    with translation.override("zh-hans"):
        said = {
            f"{pages.review.code}.{name}": str(text)
            for pages in PAGES
            for name, text in vars(pages.words).items()
            if text
        }
    assert {name: text for name, text in said.items() if not CHINESE.search(text)} == {}


def test_a_reason_is_asked_for_where_nobody_else_may_approve(review, change, approver, user_with):
    draft = submitted(review, change(approver, 9), approver)
    page = PAGES[review.code].page(draft.pk)
    assert signed_in_client(approver).get(page).context["form"].fields["reason"].required
    other = user_with(Role.ADMIN)
    assert not signed_in_client(other).get(page).context["form"].fields["reason"].required


def test_a_draft_is_thrown_away_and_what_waits_is_not(review, change, operator, approver):
    client = signed_in_client(operator)
    page = PAGES[review.code].address("discard", change(operator, 9).pk)
    assert client.post(page).status_code == 302
    assert not review.model.objects.filter(status="draft").exists()
    assert AuditEntry.objects.get(action=f"{review.code}.discarded").actor == operator
    draft = submitted(review, change(operator, 8), operator)
    client.post(PAGES[review.code].address("discard", draft.pk))
    assert review.model.objects.get(pk=draft.pk).status == "submitted"


def test_a_version_without_a_note_is_named_without_a_colon(operator, approver_client):
    review = REVIEWED["restore_rule"]
    submitted(review, review.propose(actor=operator, at=AT, tier_days=9), operator)
    (item,) = approver_client.get(reverse("console:home")).context["work"]
    assert item.title == "Restore rule v2"


def test_a_version_that_waits_is_work_for_everybody_but_its_authors(review, change, operator, approver, second):
    draft = submitted(review, change(approver, 9), operator)
    page, home = PAGES.get(review.code).page(draft.pk), reverse("console:home")

    def work(user: User) -> Any:
        (item,) = signed_in_client(user).get(home).context["work"]
        return item

    assert (work(second).action, work(second).href) == ("Review and approve", page)
    assert work(approver).action == "Look"
    assert "somebody else decides" in work(approver).note


def test_an_own_version_approved_alone_is_told_of_for_a_week(review, change, approver, viewer_client, monkeypatch):
    draft = submitted(review, change(approver, 9), approver)
    page = PAGES.get(review.code).address("approve", draft.pk)
    client = signed_in_client(approver)
    monkeypatch.setattr("config.engine.clock.now", lambda: AT)
    client.post(page, {"reason": ""})
    assert review.active().version == 1
    client.post(page, {"reason": "Nobody else is here"})
    assert review.active().pk == draft.pk
    for days, told in ((6, 1), (8, 0)):
        monkeypatch.setattr("config.engine.clock.now", lambda days=days: AT + days * DAY)
        work = viewer_client.get(reverse("console:home")).context["work"]
        said = [item for item in work if item.href == PAGES.get(review.code).page(draft.pk)]
        assert len(said) == told
        assert all("approved their own version: Nobody else is here" in item.title for item in said)


@isolate_apps("tests")
def test_versions_may_belong_to_a_parent(operator, approver):
    class Book(models.Model):  # noqa: DJ008 - of this test alone
        class Meta:
            app_label = "tests"

    Book._meta.apps.all_models["staff"]["user"] = User

    class BookVersion(ReviewedVersion):
        parent = "book"
        book = models.ForeignKey(Book, on_delete=models.CASCADE)
        pages = models.IntegerField(default=0)

        class Meta(ReviewedVersion.Meta):
            app_label = "tests"
            constraints = constraints("book")

    class BookReview(Review[BookVersion]):
        model = BookVersion
        code = "book"
        columns = ("pages",)

        def content_of(self, version: Any) -> dict[str, Any]:
            return {"pages": version.pages}

    with connection.schema_editor() as editor:
        editor.create_model(Book)
        editor.create_model(BookVersion)
        for guard in guard_versions("tests_bookversion"):
            editor.execute(guard.sql)
    review, books = BookReview(), [Book.objects.create(), Book.objects.create()]
    made = []
    for n, book in enumerate((*books, books[0])):
        draft = review.propose(actor=operator, at=AT, note="", parent=book, pages=n + 1)
        submitted(review, draft, operator)
        made.append(review.approve(draft.pk, actor=approver, at=AT))
    assert [version.version for version in made] == [1, 1, 2]
    assert [review.active(book).pages for book in books] == [3, 2]
    with pytest.raises(IntegrityError, match="one_active"), transaction.atomic():
        BookVersion.objects.create(book=books[1], version=9, status="active", created_at=AT)
    with pytest.raises(IntegrityError, match="bookversion_version"), transaction.atomic():
        BookVersion.objects.create(book=books[1], version=1, created_at=AT)
