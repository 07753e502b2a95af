-- +goose Up
-- How many runs of a user are open is asked for each run that starts.
CREATE INDEX test_runs_open ON test_runs (coalesce(user_id, '')) WHERE finished_at IS NULL;

-- +goose Down
DROP INDEX test_runs_open;
