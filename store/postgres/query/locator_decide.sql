-- Gives a learned locator its status and records who decided so. $1 locator, $2 from, $3 to, $4 by, $5 reason, $6 the decision that is undone, $7 now.
WITH decided AS (UPDATE learned_locators SET status = $3, updated_at = $7 WHERE id = $1 RETURNING id)
INSERT INTO locator_decisions (locator_id, from_status, to_status, decided_by, reason, undoes, decided_at)
SELECT id, $2, $3, $4, $5, $6, $7 FROM decided;
