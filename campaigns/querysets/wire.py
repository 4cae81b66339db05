"""The one statement per email: the last one was accepted, the next goes on the wire. One commit for both."""

from campaigns.lifecycle import CONFIRM, PUT_ON_WIRE
from campaigns.querysets.moves import may, target

# Repeatable after a lost connection: a message this worker has already put on the wire counts as started, since only
# this worker, which has not yet closed it, can have done so.
CONFIRM_AND_START = f"""
UPDATE campaigns_messageintent i SET
  status = CASE WHEN i.id = %(start)s THEN {target(PUT_ON_WIRE)} ELSE {target(CONFIRM)} END,
  reason = '',
  on_wire_at = CASE WHEN i.id = %(start)s THEN %(at)s::timestamptz ELSE i.on_wire_at END,
  finished_at = CASE WHEN i.id = %(start)s THEN NULL ELSE %(at)s::timestamptz END,
  lease_until = CASE WHEN i.id = %(start)s THEN %(lease_until)s::timestamptz END,
  attempts = CASE WHEN i.id = %(start)s AND i.status = 'claimed' THEN i.attempts + 1 ELSE i.attempts END,
  provider_reply = CASE WHEN i.id = %(start)s THEN '' ELSE %(reply)s::text END
WHERE i.id = ANY (ARRAY[%(confirm)s, %(start)s]::bigint[]) AND i.claimed_by = %(worker)s AND (
  i.id = %(confirm)s AND {may(CONFIRM, "i")}
  OR i.id = %(start)s AND ({may(PUT_ON_WIRE, "i")} AND i.lease_until > %(at)s OR i.status = {target(PUT_ON_WIRE)})
    AND NOT EXISTS (SELECT 1 FROM campaigns_deliverypolicy WHERE is_sending_stopped)
)
RETURNING i.id
"""
