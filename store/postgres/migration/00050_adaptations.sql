-- +goose Up
-- What pages looked like when steps passed on them: the fingerprints of their elements as package healing has them, as gzipped JSON.
-- Steps that saw the same page share one.
CREATE TABLE page_snapshots (
    test_case_id text NOT NULL,
    environment  text NOT NULL,
    digest       bytea NOT NULL, -- of the JSON
    elements     int NOT NULL,
    data         bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (test_case_id, environment, digest)
);

-- What the elements of steps looked like when they were last used, the newest versions of each. Neither cases nor environments are
-- rows of other tables: runs bring cases along, and an environment is the host of an address.
CREATE TABLE fingerprints (
    test_case_id text NOT NULL,
    environment  text NOT NULL,
    step_number  int NOT NULL,
    step_hash    text NOT NULL, -- of what the step does to which selectors
    version      int NOT NULL,
    fingerprint  json NOT NULL, -- package healing's Fingerprint
    locators     json NOT NULL, -- those that found this element alone
    page         bytea,         -- page_snapshots.digest; NULL: the page was too large to be kept
    target       int,           -- the element's number in the page
    digest       bytea NOT NULL, -- of fingerprint and page
    run_id       text NOT NULL,
    created_at   timestamptz NOT NULL,
    captured_at  timestamptz NOT NULL, -- when it was last found to look like this
    PRIMARY KEY (test_case_id, environment, step_number, step_hash, version)
);

-- How runs found elements again, or why not.
CREATE TABLE adaptations (
    id           uuid PRIMARY KEY,
    run_id       text NOT NULL REFERENCES test_runs ON DELETE CASCADE,
    attempt      int NOT NULL,
    step_number  int NOT NULL,
    test_case_id text NOT NULL,
    environment  text NOT NULL,
    step_hash    text NOT NULL,
    type         text NOT NULL,
    successful   boolean NOT NULL,
    reason       text NOT NULL,
    evidence     json NOT NULL, -- package store's Evidence
    created_at   timestamptz NOT NULL
);
CREATE INDEX adaptations_run ON adaptations (run_id, attempt, step_number);
CREATE INDEX adaptations_case ON adaptations (test_case_id, created_at DESC);

-- What heals taught: other ways to find the elements of steps.
CREATE TABLE learned_locators (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    test_case_id  text NOT NULL,
    environment   text NOT NULL,
    step_number   int NOT NULL,
    step_hash     text NOT NULL,
    selectors     json NOT NULL, -- alternatives, as in a case
    digest        bytea NOT NULL, -- of selectors
    -- proposed: of a heal in a run that passed; promoted: tried first, and no adaptation any more; rejected: never again
    status        text NOT NULL CHECK (status IN ('proposed', 'promoted', 'rejected')),
    adaptation_id uuid, -- the heal that it came from
    passed        int NOT NULL DEFAULT 1, -- runs that passed with it
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    UNIQUE (test_case_id, environment, step_number, step_hash, digest)
);

-- +goose Down
DROP TABLE learned_locators;
DROP TABLE adaptations;
DROP TABLE fingerprints;
DROP TABLE page_snapshots;
