-- +goose Up
-- Runs with a tag that is held stay, whatever their age, those that are still to come as well. Tags are in test_runs.config.
CREATE TABLE held_tags (
    tag     text PRIMARY KEY,
    held_as text,
    held_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE held_tags;
