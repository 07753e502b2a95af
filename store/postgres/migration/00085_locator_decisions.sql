-- +goose Up
-- What was decided about learned locators, by whom and why, in order: learned_locators.status is what the newest one says.
CREATE TABLE locator_decisions (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    locator_id  bigint NOT NULL REFERENCES learned_locators ON DELETE CASCADE,
    from_status text NOT NULL,
    to_status   text NOT NULL CHECK (to_status IN ('proposed', 'promoted', 'rejected')),
    decided_by  text NOT NULL, -- a person's name, or 'learning'
    reason      text NOT NULL,
    undoes      bigint UNIQUE REFERENCES locator_decisions, -- the decision that this one rolls back
    decided_at  timestamptz NOT NULL
);
CREATE INDEX locator_decisions_locator ON locator_decisions (locator_id, id DESC);

-- +goose Down
DROP TABLE locator_decisions;
