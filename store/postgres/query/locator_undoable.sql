-- Finds the newest decision about a learned locator that was not rolled back. $1 locator.
SELECT id, from_status FROM locator_decisions d
WHERE locator_id = $1 AND undoes IS NULL AND NOT EXISTS (SELECT 1 FROM locator_decisions u WHERE u.undoes = d.id)
ORDER BY id DESC LIMIT 1;
