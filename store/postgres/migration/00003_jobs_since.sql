-- +goose Up
-- Since when a job is in its state: jobs that wait do so in this order, also after a loss of Redis's data.
ALTER TABLE jobs ADD COLUMN since timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE jobs SET since = created_at;

-- +goose Down
ALTER TABLE jobs DROP COLUMN since;
