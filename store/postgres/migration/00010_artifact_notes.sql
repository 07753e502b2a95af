-- +goose Up
-- Why an artifact has no file (its path is empty then), or what the file lacks.
ALTER TABLE artifacts ADD COLUMN note text;
ALTER TABLE artifacts ALTER COLUMN created_at SET DEFAULT clock_timestamp(); -- in their order, also within a transaction
DROP INDEX artifacts_run;
CREATE INDEX artifacts_run ON artifacts (run_id, attempt, step_number);

-- +goose Down
DROP INDEX artifacts_run;
CREATE INDEX artifacts_run ON artifacts (run_id);
ALTER TABLE artifacts ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE artifacts DROP COLUMN note;
