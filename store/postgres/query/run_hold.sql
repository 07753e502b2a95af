-- Holds a run, or releases it. $1 run id, $2 since when (NULL: released), $3 what for.
UPDATE test_runs SET held_at = CASE WHEN $2::timestamptz IS NULL THEN NULL ELSE coalesce(held_at, $2) END, held_as = $3 WHERE id = $1;
