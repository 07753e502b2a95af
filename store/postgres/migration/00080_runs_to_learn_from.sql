-- +goose Up
-- What learning asks of a run that has ended: where it ran, which version of the case that was, which steps found which elements, and on
-- which page they failed. NULL: of runs before there was learning, and of those that did not get as far as their steps.
ALTER TABLE test_runs ADD COLUMN environment text, ADD COLUMN case_version text;
ALTER TABLE test_steps ADD COLUMN target text, ADD COLUMN page text;
CREATE INDEX test_runs_learned ON test_runs (test_case_id, environment, created_at DESC)
    WHERE finished_at IS NOT NULL AND environment IS NOT NULL;

-- Cases to learn of: a job is added for each in the transaction that deletes its row.
CREATE TABLE learning_due (
    test_case_id text PRIMARY KEY,
    since        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX learning_due_since ON learning_due (since);

-- +goose Down
DROP TABLE learning_due;
DROP INDEX test_runs_learned;
ALTER TABLE test_steps DROP COLUMN page, DROP COLUMN target;
ALTER TABLE test_runs DROP COLUMN case_version, DROP COLUMN environment;
