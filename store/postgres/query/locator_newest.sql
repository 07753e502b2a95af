-- Finds the newest decision about a learned locator, and which one it rolled back. $1 locator.
SELECT id, coalesce(undoes, 0) FROM locator_decisions WHERE locator_id = $1 ORDER BY id DESC LIMIT 1;
