-- +goose Up
-- Cases that run on without failing the suites that they are part of, until they have passed so many times in a row.
CREATE TABLE quarantine (
    test_case_id text PRIMARY KEY, -- of a stored case, or of those that came with their runs
    reason       text NOT NULL,
    put_by       text NOT NULL, -- a person's name, or 'learning'
    since        timestamptz NOT NULL,
    needed       int NOT NULL CHECK (needed > 0), -- passes in a row that it takes to leave
    passed       int NOT NULL DEFAULT 0,          -- in a row, up to now
    runs         int NOT NULL DEFAULT 0,
    failed       int NOT NULL DEFAULT 0,
    left_at      timestamptz -- NULL: it is still in; else what was known of it then stays
);
-- Whether the case was in quarantine when the run was made, or its newest attempt began.
ALTER TABLE test_runs ADD COLUMN quarantined boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE test_runs DROP COLUMN quarantined;
DROP TABLE quarantine;
