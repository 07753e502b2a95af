-- Reads those of some jobs of a queue that are known. $1 queue, $2 ids.
SELECT record::text FROM jobs WHERE queue = $1 AND id = ANY ($2::text[]);
