-- Keeps the report of a clean-up. $1 id, $2 report, $3 when it ended.
UPDATE cleanups SET report = $2::text::json, finished_at = $3 WHERE id = $1;
