-- Forgets pages that no step has any more, those that are just being written apart. $1 case, $2 environment.
DELETE FROM page_snapshots s WHERE test_case_id = $1 AND environment = $2 AND created_at < now() - interval '1 minute'
  AND NOT EXISTS (SELECT 1 FROM fingerprints f WHERE f.test_case_id = $1 AND f.environment = $2 AND f.page = s.digest);
