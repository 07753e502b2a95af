-- Reads which of these runs, or jobs without one, have not ended. $1 ids.
SELECT run_id FROM jobs WHERE run_id = ANY ($1::text[]) AND finished_at IS NULL;
