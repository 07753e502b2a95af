-- Counts what goes with runs. $1 ids, $2 queues of runs.
SELECT (SELECT coalesce(sum(octet_length(r::text)), 0) FROM (SELECT * FROM test_runs WHERE id = ANY ($1::text[]) OFFSET 0) r)
     + (SELECT coalesce(sum(octet_length(t::text)), 0) FROM test_steps t WHERE run_id = ANY ($1::text[]))
     + (SELECT coalesce(sum(octet_length(k::text)), 0) FROM jobs k WHERE queue = ANY ($2::text[]) AND run_id = ANY ($1::text[])),
       (SELECT count(*) FROM test_steps WHERE run_id = ANY ($1::text[])),
       (SELECT count(*) FROM dead_letters WHERE run_id = ANY ($1::text[])),
       (SELECT count(*) FROM jobs WHERE queue = ANY ($2::text[]) AND run_id = ANY ($1::text[]));
