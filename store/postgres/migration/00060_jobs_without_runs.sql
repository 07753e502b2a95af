-- +goose Up
-- What starts the workflow of a job that carries out no test run; NULL: the run says it.
ALTER TABLE jobs ADD COLUMN workflow_input json;
ALTER TABLE jobs ADD COLUMN workflow_run_id text; -- NULL until the workflow is known to have started
CREATE INDEX jobs_not_started ON jobs (since)
    WHERE workflow_input IS NOT NULL AND workflow_run_id IS NULL AND finished_at IS NULL;

-- +goose Down
DROP INDEX jobs_not_started;
ALTER TABLE jobs DROP COLUMN workflow_run_id, DROP COLUMN workflow_input;
