"""From which day usage periods are counted."""

# The first day of the membership for a benefit ``e`` and a row ``s`` of those being settled; NULL for who never had
# one. A benefit of each term is counted from the term, one of the calendar needs no day.
ANCHOR = """CASE WHEN e.period = 'term' THEN s.term_starts_at
    WHEN cardinality(s.cover_starts) = 1 OR e.is_by_calendar THEN s.cover_starts[1]
    ELSE entitlements_anchor(s.cover_starts, s.cover_ends, s.cover_days, e.period, s.zone) END"""
