-- +goose Up
CREATE TABLE test_cases (
    id         text PRIMARY KEY,
    title      text NOT NULL,
    definition json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- What QA knows of a run.
CREATE TABLE test_runs (
    id              text PRIMARY KEY,
    test_case_id    text NOT NULL,
    title           text NOT NULL,
    definition      json, -- an inline case; NULL: the stored case
    user_id         text,
    status          text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'adapted', 'cancelled')),
    config          json NOT NULL,
    priority        int NOT NULL DEFAULT 0,
    attempt         int NOT NULL DEFAULT 0,
    max_attempts    int NOT NULL,
    flaky           boolean NOT NULL DEFAULT false,
    total_steps     int NOT NULL,
    completed_steps int NOT NULL DEFAULT 0,
    failed_steps    int NOT NULL DEFAULT 0,
    adapted_steps   int NOT NULL DEFAULT 0,
    duration_ms     bigint NOT NULL DEFAULT 0,
    error           text,
    result          json,
    workflow_id     text NOT NULL,
    workflow_run_id text, -- NULL until the workflow is known to have started
    workflow_input  json NOT NULL,
    idempotency_key text UNIQUE,
    request_hash    text,
    created_at      timestamptz NOT NULL,
    started_at      timestamptz,
    finished_at     timestamptz
);
CREATE INDEX test_runs_created ON test_runs (created_at DESC);
CREATE INDEX test_runs_case ON test_runs (test_case_id, created_at DESC);
CREATE INDEX test_runs_not_started ON test_runs (priority DESC, created_at)
    WHERE workflow_run_id IS NULL AND status = 'pending';

CREATE TABLE artifacts (
    id           uuid PRIMARY KEY,
    run_id       text NOT NULL REFERENCES test_runs ON DELETE CASCADE,
    attempt      int NOT NULL,
    step_number  int,
    kind         text NOT NULL,
    content_type text NOT NULL,
    bytes        bigint NOT NULL,
    sha256       text NOT NULL,
    path         text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX artifacts_run ON artifacts (run_id);

CREATE TABLE test_steps (
    run_id        text NOT NULL REFERENCES test_runs ON DELETE CASCADE,
    attempt       int NOT NULL,
    number        int NOT NULL,
    action        text NOT NULL,
    description   text NOT NULL,
    status        text NOT NULL CHECK (status IN ('pending', 'running', 'success', 'failed', 'adapted', 'skipped')),
    duration_ms   bigint,
    error         text,
    started_at    timestamptz,
    screenshot_id uuid REFERENCES artifacts ON DELETE SET NULL,
    PRIMARY KEY (run_id, attempt, number)
);

-- What the queue knows of a job, of any queue. The record is package queue's Job.
CREATE TABLE jobs (
    queue            text NOT NULL,
    id               text NOT NULL,
    state            text NOT NULL CHECK (state IN ('waiting', 'delayed', 'active', 'completed', 'failed')),
    attempts_started int NOT NULL DEFAULT 0,
    seq              bigint NOT NULL,
    record           json NOT NULL,
    created_at       timestamptz NOT NULL,
    finished_at      timestamptz,
    PRIMARY KEY (queue, id)
);
CREATE INDEX jobs_open ON jobs (queue, created_at) WHERE finished_at IS NULL;
CREATE INDEX jobs_finished ON jobs (queue, state, finished_at DESC) WHERE finished_at IS NOT NULL;

-- Changes of jobs on their way to Redis, written in the transaction that changed the job, deleted once applied.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue      text NOT NULL,
    job_id     text NOT NULL,
    seq        bigint NOT NULL,
    change     json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_queue ON outbox (queue, id);

-- How far each queue's outbox is applied: at least the highest id of it, and more after every batch, also after one of
-- lower ids that were committed late. A Redis whose own copy is lower lost changes.
CREATE TABLE relay_positions (
    queue     text PRIMARY KEY,
    outbox_id bigint NOT NULL
);

-- Changes that Redis's protocol cannot show, set aside with the reason.
CREATE TABLE outbox_rejected (
    id          bigint PRIMARY KEY,
    queue       text NOT NULL,
    job_id      text NOT NULL,
    seq         bigint NOT NULL,
    change      json NOT NULL,
    reason      text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE outbox_rejected;
DROP TABLE relay_positions;
DROP TABLE outbox;
DROP TABLE jobs;
DROP TABLE test_steps;
DROP TABLE artifacts;
DROP TABLE test_runs;
DROP TABLE test_cases;
