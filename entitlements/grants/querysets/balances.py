from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Case, ExpressionWrapper, F, FloatField, Lookup, Q, Value, When
from django.db.models.expressions import Col
from django.db.models.functions import Cast


class Reaches(Lookup):
    """``used__reaches="granted"``: at least what another column of the same row holds.

    Inside the condition of a ``FilteredRelation`` an ``F()`` would join the table a second time, and compare the row
    with every other of its member.
    """

    lookup_name = "reaches"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column = self.lhs.target.model._meta.get_field(self.rhs)
        most, _ = compiler.compile(Col(self.lhs.alias, column))
        sql, params = self.process_lhs(compiler, connection)
        return f"{sql} >= {most}", tuple(params)


class BalanceQuerySet(models.QuerySet):
    def open(self) -> "BalanceQuerySet":
        """Balances of benefits the member has now."""
        return self.filter(is_open=True)

    def behind(self, at: datetime) -> "BalanceQuerySet":
        """Balances that no longer hold at ``at`` and wait to be settled."""
        return self.filter(valid_until__lte=at)

    def showing(self, form: str) -> "BalanceQuerySet":
        """Balances of benefits the member has now and that show themselves on her in this form."""
        return self.open().filter(benefit__adornment__form=form, benefit__is_archived=False)

    def limited(self) -> "BalanceQuerySet":
        return self.filter(granted__gt=0)

    def at_limit(self) -> "BalanceQuerySet":
        return self.limited().filter(used__gte=F("granted"))

    def with_usage_rate(self) -> "BalanceQuerySet":
        """``usage_rate``: used ÷ granted of what is open now, 0–1; null where there is no limit."""
        rate = Cast("used", FloatField()) / Cast("granted", FloatField())
        return self.annotate(
            usage_rate=Case(
                When(Q(granted__gt=0), then=ExpressionWrapper(rate, FloatField())),
                default=Value(None),
                output_field=FloatField(),
            )
        )
