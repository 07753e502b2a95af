-- Lists what pages looked like in such cases, when no fingerprint that stays is on them. $1 since then, $2 limit.
SELECT x.ctid FROM page_snapshots x WHERE x.created_at < $1::timestamptz AND /*unused*/
  AND NOT EXISTS (SELECT 1 FROM fingerprints f WHERE f.test_case_id = x.test_case_id AND f.environment = x.environment AND f.page = x.digest
                  AND f.captured_at >= $1::timestamptz) LIMIT $2
