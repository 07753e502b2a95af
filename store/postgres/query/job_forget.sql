-- Forgets jobs of a queue that have ended. $1 queue, $2 ids.
DELETE FROM jobs WHERE queue = $1 AND id = ANY ($2::text[]) AND finished_at IS NOT NULL;
