-- +goose Up
-- What a clean-up does, kept for longer than its job. What went is counted in the transaction that took it away.
CREATE TABLE cleanups (
    id          text PRIMARY KEY, -- the job's
    dry_run     boolean NOT NULL,
    request     json NOT NULL,
    policy      json NOT NULL,
    report      json, -- NULL until it has ended
    started_at  timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX cleanups_started ON cleanups (started_at DESC);
CREATE TABLE cleanup_counts (
    cleanup_id text NOT NULL REFERENCES cleanups ON DELETE CASCADE,
    kind       text NOT NULL,
    items      bigint NOT NULL,
    bytes      bigint NOT NULL,
    PRIMARY KEY (cleanup_id, kind)
);

-- A run that is held stays, whatever its age, with its files.
ALTER TABLE test_runs ADD COLUMN held_at timestamptz, ADD COLUMN held_as text;
CREATE INDEX test_runs_ended ON test_runs (finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX test_runs_held ON test_runs (held_at DESC) WHERE held_at IS NOT NULL;
CREATE INDEX artifacts_path ON artifacts (path) WHERE path <> '';
-- Without it, each artifact that goes is looked for in all steps.
CREATE INDEX test_steps_screenshot ON test_steps (screenshot_id) WHERE screenshot_id IS NOT NULL;
CREATE INDEX jobs_of_run ON jobs (run_id) WHERE finished_at IS NULL;
CREATE INDEX dead_letters_run ON dead_letters (run_id);
CREATE INDEX dead_letters_died ON dead_letters (died_at);

-- +goose Down
DROP INDEX dead_letters_died;
DROP INDEX dead_letters_run;
DROP INDEX jobs_of_run;
DROP INDEX test_steps_screenshot;
DROP INDEX artifacts_path;
DROP INDEX test_runs_held;
DROP INDEX test_runs_ended;
ALTER TABLE test_runs DROP COLUMN held_as, DROP COLUMN held_at;
DROP TABLE cleanup_counts;
DROP TABLE cleanups;
