-- +goose Up
-- What is wrong now or was a moment ago, by rule and what it is about.
CREATE TABLE alerts (
    rule        text NOT NULL,
    subject     text NOT NULL,
    state       text NOT NULL CHECK (state IN ('pending', 'firing', 'clearing', 'quiet')),
    since       timestamptz NOT NULL,
    notified_at timestamptz,
    detail      text NOT NULL,
    PRIMARY KEY (rule, subject)
);
-- Messages on their way to a target, which is known by a digest of its address.
CREATE TABLE alert_deliveries (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target     text NOT NULL,
    message    text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    tries      integer NOT NULL DEFAULT 0
);
CREATE INDEX alert_deliveries_due ON alert_deliveries (due_at);
-- How runs ended lately is asked every few seconds.
CREATE INDEX test_runs_finished ON test_runs (finished_at) WHERE finished_at IS NOT NULL;

-- +goose Down
DROP INDEX test_runs_finished;
DROP TABLE alert_deliveries;
DROP TABLE alerts;
