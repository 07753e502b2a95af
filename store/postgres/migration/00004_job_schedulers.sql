-- +goose Up
-- What clients scheduled in Redis, to be shown again in a Redis that lost it.
CREATE TABLE job_schedulers (
    queue      text NOT NULL,
    id         text NOT NULL,
    fields     json NOT NULL, -- BullMQ's own record of it
    next_at    timestamptz NOT NULL, -- the time that its newest job is for
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, id)
);

-- +goose Down
DROP TABLE job_schedulers;
