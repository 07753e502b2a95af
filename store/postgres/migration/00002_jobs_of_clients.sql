-- +goose Up
-- A job that a client added has an id of the queue's; the run that it carries out has one of its own.
ALTER TABLE jobs ADD COLUMN run_id text;
UPDATE jobs SET run_id = id;
ALTER TABLE jobs ALTER COLUMN run_id SET NOT NULL;
CREATE UNIQUE INDEX jobs_run ON jobs (queue, run_id);
ALTER TABLE test_runs ADD COLUMN job_id text; -- NULL: the run's own id
CREATE INDEX outbox_job ON outbox (queue, job_id);

-- +goose Down
DROP INDEX outbox_job;
ALTER TABLE test_runs DROP COLUMN job_id;
DROP INDEX jobs_run;
ALTER TABLE jobs DROP COLUMN run_id;
