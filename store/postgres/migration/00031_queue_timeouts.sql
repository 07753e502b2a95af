-- +goose Up
-- Until when a job that waits for a worker may do so; NULL: it does not wait, or may for as long as it takes.
ALTER TABLE jobs ADD COLUMN expires_at timestamptz;
CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE expires_at IS NOT NULL;

-- +goose Down
DROP INDEX jobs_expiring;
ALTER TABLE jobs DROP COLUMN expires_at;
