"""Units of a benefit, each with a number, so that what a use burned is found again when it is taken back.

A member's uses of a benefit number their units on, overage too; a lot holds the numbers of those that lie in it. The
numbers of two members never meet, so that lots and records find each other also after a merge.
"""

from typing import Any

from django.db import models

# Beyond every count of units, which is a bigint.
SPACE = "10000000000000000000"

LENGTH_FUNCTION = """
CREATE OR REPLACE FUNCTION entitlements_length(units nummultirange) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(units) r
$$"""

# The units from the ``skip``-th on, ``take`` of them, in the order of their numbers.
SLICE_FUNCTION = """
CREATE OR REPLACE FUNCTION entitlements_slice(units nummultirange, skip numeric, take numeric) RETURNS nummultirange
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(range_agg(numrange(
    low + greatest(skip - before, 0), low + least(skip + take - before, length)
  )), '{}')
  FROM (
    SELECT lower(r) AS low, upper(r) - lower(r) AS length,
      coalesce(sum(upper(r) - lower(r)) OVER (ORDER BY r ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM unnest(units) r
  ) q
  WHERE before + length > skip AND before < skip + take
$$"""


class UnitsField(models.Field):
    """Numbers of units (``nummultirange``)."""

    def db_type(self, connection: Any) -> str:
        return "nummultirange"


def number(member: str, units: str) -> str:
    """SQL of the number of a member's unit before which she had used ``units``."""
    return f"({member}::numeric * {SPACE} + {units})"


def numbers(member: str, units: str, count: str) -> str:
    """SQL of the numbers of ``count`` units from that one on."""
    first = number(member, units)
    return f"nummultirange(numrange({first}, {first} + {count}))"
