-- Makes a run that had ended wait again. $1 run id, $2 input of its next workflow, which has not started.
UPDATE test_runs SET status = 'pending', finished_at = NULL, error = NULL, failure_class = NULL, result = NULL, flaky = false,
       workflow_input = $2::text::json, workflow_run_id = NULL, requeued_at = clock_timestamp()
WHERE id = $1;
