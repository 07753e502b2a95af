-- Reads a queue's open jobs in the order in which they came to where they are: the longest waiting first. $1 queue.
SELECT record::text FROM jobs WHERE queue = $1 AND finished_at IS NULL
ORDER BY CASE WHEN state = 'delayed' THEN (record->>'dueAt')::timestamptz ELSE since END, since, id;
