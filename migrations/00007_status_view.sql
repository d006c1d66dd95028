-- The views have no version any more: they are objects/state.sql.

-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
