-- Reads those of some jobs of a queue that have finished, in the order of their ends. $1 queue, $2 ids.
SELECT record::text FROM jobs WHERE queue = $1 AND id = ANY ($2::text[]) AND finished_at IS NOT NULL
ORDER BY finished_at, id;
