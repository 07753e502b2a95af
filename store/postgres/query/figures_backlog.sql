-- Counts what waits in the outbox of every queue, with the age of the oldest in seconds, and what was set aside.
SELECT queue, sum(waiting)::bigint, coalesce(extract(epoch FROM clock_timestamp() - min(oldest)), 0)::float8, sum(aside)::bigint
FROM (
    SELECT queue, count(*) AS waiting, min(created_at) AS oldest, 0 AS aside FROM outbox GROUP BY queue
    UNION ALL
    SELECT queue, 0, NULL, count(*) FROM outbox_rejected GROUP BY queue
) AS counted
GROUP BY queue;
