-- +goose Up
-- What a suite's request said of the runs, and the suite's config, which counts where a case says nothing.
ALTER TABLE suite_runs ADD COLUMN settings json, ADD COLUMN defaults json;
-- The newest suite run of a folder is found by its title.
CREATE INDEX suite_runs_of_title ON suite_runs (title, created_at DESC) WHERE suite_id IS NULL;

-- +goose Down
DROP INDEX suite_runs_of_title;
ALTER TABLE suite_runs DROP COLUMN defaults, DROP COLUMN settings;
