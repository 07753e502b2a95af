-- Lists runs that go, by when they ended, with what goes with each. $1 to $3 as of goes, $4 and $5 after this one, $6 limit,
-- $7 queues of runs, $8 no run that ended then or later goes.
SELECT r.id, r.finished_at, f.files, s.steps, l.letters, j.jobs, octet_length(r::text) + s.bytes + j.bytes
FROM (SELECT * FROM test_runs r
      WHERE NOT /*held*/ AND (r.finished_at, r.id) > ($4::timestamptz, $5::text) AND r.finished_at < $8::timestamptz AND /*goes*/
      ORDER BY r.finished_at, r.id LIMIT $6) r
CROSS JOIN LATERAL (SELECT count(*) AS files FROM artifacts WHERE run_id = r.id AND path <> '') f
CROSS JOIN LATERAL (SELECT count(*) AS steps, coalesce(sum(octet_length(t::text)), 0) AS bytes FROM test_steps t WHERE t.run_id = r.id) s
CROSS JOIN LATERAL (SELECT count(*) AS letters FROM dead_letters WHERE run_id = r.id) l
CROSS JOIN LATERAL (SELECT count(*) AS jobs, coalesce(sum(octet_length(k::text)), 0) AS bytes FROM jobs k
                    WHERE k.queue = ANY ($7::text[]) AND k.run_id = r.id) j
ORDER BY r.finished_at, r.id;
