-- +goose Up
CREATE TABLE test_suites (
    id         text PRIMARY KEY,
    title      text NOT NULL,
    definition json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- One request that runs many cases. What its runs do is in test_runs; the status is written when all of them have ended.
CREATE TABLE suite_runs (
    id              text PRIMARY KEY,
    suite_id        text, -- NULL: the cases came with the request
    title           text NOT NULL,
    user_id         text,
    status          text NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    parallel        int NOT NULL, -- how many runs at once, 0 = as many as there are workers for
    fail_fast       boolean NOT NULL,
    error           text,
    workflow_id     text NOT NULL,
    workflow_run_id text, -- NULL until the workflow is known to have started
    workflow_input  json NOT NULL,
    idempotency_key text UNIQUE,
    request_hash    text,
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz
);
CREATE INDEX suite_runs_of_suite ON suite_runs (suite_id, created_at DESC);
CREATE INDEX suite_runs_not_started ON suite_runs (created_at) WHERE workflow_run_id IS NULL AND finished_at IS NULL;

ALTER TABLE test_runs ADD COLUMN suite_run_id text REFERENCES suite_runs, ADD COLUMN suite_order int;
CREATE INDEX test_runs_of_suite ON test_runs (suite_run_id, suite_order) WHERE suite_run_id IS NOT NULL;
DROP INDEX test_runs_not_started;
CREATE INDEX test_runs_not_started ON test_runs (priority DESC, created_at)
    WHERE workflow_run_id IS NULL AND status = 'pending' AND suite_run_id IS NULL;

-- +goose Down
DROP INDEX test_runs_not_started;
CREATE INDEX test_runs_not_started ON test_runs (priority DESC, created_at)
    WHERE workflow_run_id IS NULL AND status = 'pending';
ALTER TABLE test_runs DROP COLUMN suite_order, DROP COLUMN suite_run_id;
DROP TABLE suite_runs;
DROP TABLE test_suites;
