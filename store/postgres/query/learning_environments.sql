-- Lists where the newest runs of a case ran, and where something is known of it. $1 case, $2 how many runs, $3 how many environments.
SELECT environment FROM (
    SELECT environment FROM (
        SELECT environment FROM test_runs WHERE test_case_id = $1 AND finished_at IS NOT NULL ORDER BY created_at DESC LIMIT $2) r
    UNION SELECT environment FROM learned_locators WHERE test_case_id = $1
) e WHERE environment IS NOT NULL ORDER BY environment LIMIT $3;
