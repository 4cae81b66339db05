"""Which of several levels of a benefit is the best."""

# By the order in which the benefit declares them, from the worst to the best; empty without any.
BEST_LEVEL_FUNCTION = """
CREATE OR REPLACE FUNCTION entitlements_best_level(levels varchar[], given varchar[]) RETURNS varchar
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce((
    SELECT level FROM unnest(given) level WHERE level <> ''
    ORDER BY array_position(levels, level) DESC NULLS LAST LIMIT 1
  ), '')
$$"""


def best_level(levels: str, given: str) -> str:
    """SQL of the best of the levels in the array ``given``, mostly none or one."""
    return f"""CASE WHEN {given} IS NULL THEN '' WHEN cardinality({given}) = 1 THEN {given}[1]
      ELSE entitlements_best_level({levels}, {given}) END"""
