-- Gives a run another priority. $1 run id, $2 priority.
UPDATE test_runs SET priority = $2 WHERE id = $1;
