"""The few database expressions conditions are made of, beyond what the ORM brings along."""

from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import (
    Aggregate,
    BooleanField,
    Case,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    Exists,
    Expression,
    F,
    Func,
    IntegerField,
    JSONField,
    Q,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, NullIf
from django.db.models.lookups import Exact


class IsNotTrue(Func):
    """``NOT`` that takes unknown for false."""

    template = "((%(expressions)s) IS NOT TRUE)"
    output_field = BooleanField()

    def as_sql(self, *args: Any, **kwargs: Any) -> tuple[str, Any]:
        try:
            return super().as_sql(*args, **kwargs)
        except EmptyResultSet:
            # The ORM saw that the condition holds for nobody.
            raise FullResultSet from None


def complement(condition: Q) -> Q:
    """Exactly the members ``condition`` leaves out, also where it is unknown for them."""
    if _is_never_null(condition):
        # A bare NOT EXISTS becomes an anti-join; wrapped it would run once a member.
        return ~condition
    return Q(IsNotTrue(condition))


def _is_never_null(condition: Q) -> bool:
    return all(
        _is_never_null(child) if isinstance(child, Q) else isinstance(child, Exists) for child in condition.children
    )


def member_zone(prefix: str = "") -> Coalesce:
    """The IANA zone a member lives by; ``prefix`` leads from the row to the member."""
    own = NullIf(F(f"{prefix}lifecycle__time_zone"), Value(""))
    return Coalesce(own, Value(settings.PROJECT_TIME_ZONE), output_field=CharField())


def local_date(instant: Combinable, zone: Combinable) -> Cast:
    """The date that the clocks in ``zone`` show at ``instant``."""
    return Cast(Func(zone, instant, function="timezone", output_field=DateTimeField()), DateField())


def json_text(column: str, name: str) -> Func:
    """The text of one key of a JSON object; null where it is missing."""
    return Func(F(column), Value(name), function="jsonb_extract_path_text", output_field=TextField())


def json_value(column: str, name: str) -> Func:
    """One key of a JSON object as JSON; null where it is missing."""
    return Func(F(column), Value(name), function="jsonb_extract_path", output_field=JSONField())


def json_single(column: str, name: str) -> Case:
    """The text of one key of a JSON object; null where it is missing, null or a list."""
    is_list = Q(Exact(Func(json_value(column, name), function="jsonb_typeof", output_field=TextField()), "array"))
    return Case(When(is_list, then=None), default=json_text(column, name), output_field=TextField())


class InList(Func):
    """Whether any value of a JSON list passes, which a ``Q`` over ``LIST_VALUE`` tests; false for what is no list."""

    template = (
        "EXISTS (SELECT 1 FROM jsonb_array_elements_text(CASE jsonb_typeof(%(list)s) WHEN 'array' THEN %(list)s END) "
        "AS list(value) WHERE %(test)s)"
    )
    output_field = BooleanField()
    conditional = True

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, Any]:
        found, test = self.get_source_expressions()
        found_sql, found_params = compiler.compile(found)
        test_sql, test_params = compiler.compile(test)
        sql = self.template % {"list": found_sql, "test": test_sql}
        return sql, (*found_params, *found_params, *test_params)


class _ListValue(Expression):
    """One value of the list that ``InList`` looks through."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "list.value", ()


LIST_VALUE = _ListValue(output_field=TextField())


class DistinctValues(Aggregate):
    """How many different texts a JSON value has over the rows, each value of a list by itself; null is none."""

    template = (
        "(SELECT count(DISTINCT single.value) "
        "FROM jsonb_array_elements(jsonb_agg(DISTINCT %(expressions)s)) AS one(value), "
        "jsonb_array_elements_text(CASE jsonb_typeof(one.value) WHEN 'array' THEN one.value "
        "ELSE jsonb_build_array(one.value) END) AS single(value))"
    )
    output_field = IntegerField()


class _Matches(Func):
    """Whether a text matches a pattern of ours; patterns of users never get here."""

    template = "(%(expressions)s)"
    arg_joiner = " ~ "
    output_field = BooleanField()


def _guarded(fits: Q, then: Combinable) -> Case:
    """``then`` where the text has the form, null elsewhere: a cast must never meet what it cannot read."""
    return Case(When(fits, then=then), default=None)


def as_number(text: Combinable) -> Case:
    """A text as a number; null where it is none."""
    fits = Q(_Matches(text, Value(r"^[+-]?[0-9]{1,30}(\.[0-9]{1,30})?$")))
    return _guarded(fits, Cast(text, NUMERIC))


def as_date(text: Combinable) -> Case:
    """A text's leading ISO date; null where there is none."""
    day = Func(text, Value(10), function="left", output_field=TextField())
    fits = Q(_Matches(text, Value(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]|$)")))
    fits &= Q(Func(day, Value("date"), function="pg_input_is_valid", output_field=BooleanField()))
    return _guarded(fits, Cast(day, DateField()))


def as_boolean(text: Combinable) -> Case:
    """A text as true or false; null where it is neither."""
    lower = Func(text, function="lower", output_field=TextField())
    return _guarded(Q(_Matches(lower, Value("^(true|false)$"))), Cast(lower, BooleanField()))


class _Numeric(DecimalField):
    """A number of any precision."""

    def db_type(self, connection: Any) -> str:
        return "numeric"


NUMERIC = _Numeric()
