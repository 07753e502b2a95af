-- Deletes the jobs of runs. $1 runs, $2 queues of runs.
DELETE FROM jobs WHERE queue = ANY ($2::text[]) AND run_id = ANY ($1::text[]);
