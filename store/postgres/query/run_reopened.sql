-- Makes a run that had ended wait again. $1 run id, $2 workflow input, $3 Temporal run id of its new workflow.
UPDATE test_runs SET status = 'pending', finished_at = NULL, error = NULL, result = NULL, flaky = false,
       workflow_input = $2::text::json, workflow_run_id = $3
WHERE id = $1;
