"""Questions about tags and who carries them."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

from config.engine.stays import StayTable

# The engine and people give the same tags: a refresh takes back what the rule said, and ends what nobody else keeps.
_KEPT_BY_NOTHING_ELSE = "m.given_at IS NULL AND m.said_by = '{rule}'"
CARRIES = StayTable(
    table="members_membertag", owner="code", begins="since", ends="until", begun_xid="since_xid",
    ended_xid="until_xid", mine="'rule' = ANY(m.said_by)", ends_when=_KEPT_BY_NOTHING_ELSE,
    on_end=f"said_by = array_remove(m.said_by, 'rule'),"
    f" until_cause = CASE WHEN {_KEPT_BY_NOTHING_ELSE} THEN 'rule' ELSE m.until_cause END",
    joins="said_by = m.said_by || '{rule}'", has_other_writers=True,
)  # fmt: skip

_CAUSES = ArrayField(models.CharField(max_length=8))

_COUNTED = """
SELECT count(*) FILTER (WHERE until IS NULL), count(*) FILTER (WHERE since > %(last)s),
  count(*) FILTER (WHERE until > %(last)s)
FROM members_membertag
WHERE code = %(code)s AND (until IS NULL OR until > %(last)s)"""


# Of rows (JSON value, member_id) the texts, cut to so many characters, that a member has in at least so many rows.
EACH_VALUE = """
SELECT left(single.value, %s), e.member_id FROM ({events}) AS e (value, member_id)
CROSS JOIN LATERAL (
  SELECT DISTINCT said.value FROM jsonb_array_elements_text(
    CASE jsonb_typeof(e.value) WHEN 'array' THEN e.value ELSE jsonb_build_array(e.value) END
  ) AS said (value)
) single
WHERE single.value <> '' GROUP BY 1, 2 HAVING count(*) >= %s"""


class TagQuerySet(models.QuerySet):
    def offered(self) -> "TagQuerySet":
        """Tags one can choose: switched on; of the tags made of values only those somebody carries."""
        return self.filter(is_enabled=True).exclude(parent__isnull=False, size=0)

    def given_by_hand(self) -> "TagQuerySet":
        """Tags a person can give to a member."""
        return self.filter(is_enabled=True, upkeep__in=["hand", "rule"]).order_by("kind", "pk")

    def refreshable(self) -> "TagQuerySet":
        """Tags switched on that are no value of another: the parent's refresh brings the values up to date."""
        return self.filter(is_enabled=True, parent__isnull=True)

    def behind(self, at: datetime) -> "TagQuerySet":
        """Tags last refreshed before ``at``, or saved since."""
        return self.filter(Q(refreshed_at__isnull=True) | Q(refreshed_at__lt=at) | Q(refreshed_at__lt=F("updated_at")))

    def with_week(self, since: datetime) -> "TagQuerySet":
        """With ``came`` and ``went``: carries begun and ended after ``since``."""
        total = {"came": "entered", "went": "left"}
        return self.annotate(
            **{
                name: Coalesce(models.Sum(f"sizes__{column}", filter=Q(sizes__at__gt=since)), 0)
                for name, column in total.items()
            }
        )


class CarryQuerySet(models.QuerySet):
    """Tags members carry or carried."""

    def current(self) -> "CarryQuerySet":
        return self.filter(until__isnull=True)

    def carriers_of_values(self, parent_id: int) -> int:
        """How many members have any value of the tag in these rows."""
        return self.filter(tag__parent_id=parent_id).values("member_id").distinct().count()

    def by_rule(self) -> "CarryQuerySet":
        """Those of which the rule says so, be there others who do."""
        return self.filter(said_by__contains=["rule"])

    def by_hand(self) -> "CarryQuerySet":
        return self.filter(given_at__isnull=False)

    def take_rule_back(self, at: datetime, *, cause: str) -> int:
        """The rule says nothing any more of these current stays; returns how many end with it."""
        left = Func("said_by", Value("rule"), function="array_remove", output_field=_CAUSES)
        ends = self.filter(given_at__isnull=True, said_by=["rule"])
        ended = ends.update(until=at, until_cause=cause, said_by=[])
        self.update(said_by=left)
        return ended

    def take_hand_back(self, at: datetime, *, cause: str) -> int:
        """Nobody's hand keeps these current stays any more; returns how many there were."""
        given = self.by_hand()
        ended = given.filter(said_by=[]).update(until=at, until_cause=cause, given_at=None)
        return ended + given.update(given_at=None)

    def overlapping(self, since: datetime, until: datetime) -> "CarryQuerySet":
        """Carried at some instant of ``[since, until]``."""
        return self.filter(Q(until__isnull=True) | Q(until__gte=since), since__lte=until)


def counted(code: str, last: datetime) -> tuple[int, int, int]:
    """How many carry the tag, and how many came and went after ``last``, whoever wrote it."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, {"code": code, "last": last})
        row: tuple[int, int, int] = cursor.fetchone()
        return row


def gather_values(sql: str, params: Any) -> None:
    """Keep the rows (value, member_id) of a statement for this transaction, for ``top_values`` and ``OF_VALUE``."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS tag_values")
        cursor.execute(f"CREATE TEMP TABLE tag_values (value, member_id) ON COMMIT DROP AS {sql}", params)
        cursor.execute("CREATE INDEX ON tag_values (value)")


def top_values(limit: int) -> list[str]:
    """The values most members have, the most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM tag_values GROUP BY value ORDER BY count(*) DESC, value LIMIT %s", [limit])
        return [value for (value,) in cursor.fetchall()]


OF_VALUE = "SELECT member_id::bigint FROM tag_values WHERE value = %s"
