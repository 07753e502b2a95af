-- +goose Up
-- What was learned of cases: all of it follows from the runs that are there, so that learning again changes nothing.
CREATE TABLE case_reliability (
    test_case_id text NOT NULL,
    environment  text NOT NULL,
    runs         int NOT NULL, -- that were looked at, the newest
    passed       int NOT NULL,
    flaky        int NOT NULL,
    -- The probability that a run passes, and that it is flaky; low and high are the limits of a 90 % interval.
    reliability      double precision NOT NULL,
    reliability_low  double precision NOT NULL,
    reliability_high double precision NOT NULL,
    flakiness        double precision NOT NULL,
    flakiness_low    double precision NOT NULL,
    flakiness_high   double precision NOT NULL,
    newest_run_at    timestamptz NOT NULL, -- when the newest of them ended
    PRIMARY KEY (test_case_id, environment)
);

CREATE TABLE adaptation_patterns (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- failure: runs that failed in the same way; slow-step: a step that became slower; locator: how a learned locator does;
    -- locator-kind: how locators of a kind survive changes of the pages
    kind         text NOT NULL CHECK (kind IN ('failure', 'slow-step', 'locator', 'locator-kind')),
    test_case_id text NOT NULL,
    environment  text NOT NULL,
    step_number  int NOT NULL, -- 0: of no step
    signature    text NOT NULL, -- tells patterns of a kind and a step apart
    count        int NOT NULL,  -- of runs or uses that it was seen in
    -- A probability with the limits of a 90 % interval, or, of a slow step, by which factor it is slower; NULL: none
    value        double precision,
    low          double precision,
    high         double precision,
    evidence     json NOT NULL,
    first_seen   timestamptz NOT NULL,
    last_seen    timestamptz NOT NULL,
    UNIQUE (test_case_id, environment, kind, step_number, signature)
);
CREATE INDEX adaptation_patterns_kind ON adaptation_patterns (kind, last_seen DESC);

-- Up to when the runs of all cases were learned from.
CREATE TABLE learning_progress (
    name      text PRIMARY KEY,
    up_to     timestamptz NOT NULL
);

-- +goose Down
DROP TABLE learning_progress;
DROP TABLE adaptation_patterns;
DROP TABLE case_reliability;
