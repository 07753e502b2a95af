-- Counts the open jobs of every queue by state, with the age of the oldest in seconds. A delayed job whose time has come waits.
SELECT queue, now_in, count(*), coalesce(extract(epoch FROM clock_timestamp() - min(there_since)), 0)::float8
FROM (
    SELECT queue,
           CASE WHEN state = 'delayed' AND due <= clock_timestamp() THEN 'waiting' ELSE state END AS now_in,
           CASE WHEN state = 'delayed' AND due <= clock_timestamp() THEN due ELSE since END AS there_since
    FROM (SELECT queue, state, since, CASE WHEN state = 'delayed' THEN (record->>'dueAt')::timestamptz END AS due
          FROM jobs WHERE finished_at IS NULL) AS open_jobs
) AS placed
GROUP BY queue, now_in;
