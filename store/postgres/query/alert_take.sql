-- Takes messages that are due for some targets; they are due again later, should their sender die. $1 targets, $2 now, $3 due again, $4 how many.
UPDATE alert_deliveries SET due_at = $3, tries = tries + 1
WHERE id IN (SELECT id FROM alert_deliveries WHERE target = ANY($1) AND due_at <= $2 ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING id, target, message, created_at, tries;
