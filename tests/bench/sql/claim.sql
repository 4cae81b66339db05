-- The bare side of the claim: a batch of due messages, locked rows skipped, marked with the worker's lease.
UPDATE campaigns_messageintent i SET status = 'claimed', claimed_by = %(worker)s, lease_until = %(lease_until)s
FROM (
  SELECT id FROM campaigns_messageintent
  WHERE status = 'pending' AND channel = 'email' AND due_at <= %(at)s
  ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED
) p WHERE p.id = i.id
RETURNING i.id
