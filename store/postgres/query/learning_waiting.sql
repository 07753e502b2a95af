-- Finds jobs that wait to learn of a case, all its environments. $1 queue, $2 case.
SELECT EXISTS (SELECT 1 FROM jobs WHERE queue = $1 AND finished_at IS NULL AND state = 'waiting'
    AND record->'data'->>'testCaseId' = $2 AND record->'data'->>'environment' IS NULL);
