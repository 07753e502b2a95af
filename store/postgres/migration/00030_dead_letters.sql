-- +goose Up
-- Why a run failed, in one word: package store's Class. NULL: it did not.
ALTER TABLE test_runs ADD COLUMN failure_class text;
-- When a run that had ended was made to wait again. Until its new workflow has started, it is among those to be started.
ALTER TABLE test_runs ADD COLUMN requeued_at timestamptz;
DROP INDEX test_runs_not_started;
CREATE INDEX test_runs_not_started ON test_runs (priority DESC, created_at)
    WHERE workflow_run_id IS NULL AND status = 'pending' AND (suite_run_id IS NULL OR requeued_at IS NOT NULL);

-- Jobs that failed for good. A letter outlives the job's own record, which goes when Redis, which keeps the newest failed jobs
-- only, drops it.
CREATE TABLE dead_letters (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue        text NOT NULL,
    run_id       text NOT NULL REFERENCES test_runs ON DELETE CASCADE,
    job_id       text NOT NULL,
    test_case_id text NOT NULL,
    class        text NOT NULL,
    reason       text NOT NULL,
    attempts     int NOT NULL,
    died_at      timestamptz NOT NULL,
    record       json NOT NULL, -- the job as it died: package queue's Job
    UNIQUE (queue, run_id)
);
CREATE INDEX dead_letters_class ON dead_letters (class, id DESC);
CREATE INDEX dead_letters_case ON dead_letters (test_case_id, id DESC);

-- +goose Down
DROP TABLE dead_letters;
DROP INDEX test_runs_not_started;
ALTER TABLE test_runs DROP COLUMN requeued_at, DROP COLUMN failure_class;
CREATE INDEX test_runs_not_started ON test_runs (priority DESC, created_at)
    WHERE workflow_run_id IS NULL AND status = 'pending' AND suite_run_id IS NULL;
