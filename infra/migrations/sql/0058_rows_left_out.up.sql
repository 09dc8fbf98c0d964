-- Rows that Stripe lists and that could not be recorded: each is asked for again by its id, whatever the listings reach.
CREATE TABLE consumers.stripe_rows_left_out (
    list text NOT NULL,
    stripe_id text NOT NULL,
    left_out_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tried_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (list, stripe_id)
);
CREATE INDEX stripe_rows_left_out_tried ON consumers.stripe_rows_left_out (list, tried_at);
COMMENT ON TABLE consumers.stripe_rows_left_out IS 'rows of Stripe''s lists that could not be recorded, until they are';
GRANT SELECT, INSERT, UPDATE, DELETE ON consumers.stripe_rows_left_out TO paystream_app;
