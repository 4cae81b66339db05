"""Run in a process with the fault database's settings: members whose reminders are due now, in plain SQL."""

import sys

import django

MEMBERS = """
WITH made AS (
  INSERT INTO members_member
    (display_name, language, gender, city, channel, attributes, is_demo, created_at, updated_at)
  SELECT 'Member ' || g, '', '', '', '', '{}', false, %(at)s, %(at)s FROM generate_series(1, %(n)s) g
  RETURNING id
),
addressed AS (
  INSERT INTO members_identity (member_id, kind, value, created_at)
  SELECT id, 'email', (ARRAY['good', 'bad', 'slow', 'odd'])[1 + id %% 4] || id || '@example.com', %(at)s FROM made
),
termed AS (
  INSERT INTO members_membershipterm (member_id, tier_id, kind, starts_at, ends_at, close_reason, price_cents, currency,
    anchor_on, anchor_months, booked_at)
  SELECT id, (SELECT min(id) FROM members_tier), 'paid', %(at)s::timestamptz - interval '27 days',
    %(at)s::timestamptz + interval '3 days', '', 100, 'CNY', (%(at)s::timestamptz - interval '27 days')::date, 1,
    %(at)s::timestamptz - interval '27 days'
  FROM made RETURNING member_id, ends_at, tier_id
)
INSERT INTO members_memberlifecycle (member_id, membership_status, auto_renewal_flag, time_zone, known_since,
  expiration_time, tier_id)
SELECT member_id, 'active', false, '', %(at)s, ends_at, tier_id FROM termed
"""


def main(n: int, at: str) -> None:
    django.setup()
    from django.db import connection

    from campaigns.models import Channel
    from members.plans.models import Tier

    Tier.objects.get_or_create(code="gold", defaults={"name": "Gold", "position": 1})
    Channel.objects.filter(code="email").update(timeout_seconds=2, lease_seconds=6)
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, {"n": n, "at": at})


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
