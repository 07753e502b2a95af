-- Lists what was decided about a learned locator, the newest first. $1 locator.
SELECT id, locator_id, from_status, to_status, decided_by, reason, coalesce(undoes, 0), decided_at
FROM locator_decisions WHERE locator_id = $1 ORDER BY id DESC LIMIT 200;
