-- How far the worker `stripe-balance` has read the lists of Stripe's balance, and the payouts that it keeps an eye on.

-- A listing runs from the newest row back to `listing_from`, page by page, and goes on after `listing_after` when its
-- process was killed. When it is done, the newest row that it saw becomes the watermark.
CREATE TABLE consumers.balance_cursors (
    list           text        PRIMARY KEY,         -- balance_transactions, payouts
    revision       bigint      NOT NULL DEFAULT 0,  -- rises with every page: of two pollers, one moves the cursor
    watermark      bigint      NOT NULL DEFAULT 0,  -- `created` of the newest row of the last whole listing, Unix s
    listing_from   bigint,                          -- of the listing under way; NULL: there is none
    listing_after  text,                            -- the last row of the last page; NULL: it begins
    listing_newest bigint,
    completed_at   timestamptz,                     -- when the last whole listing was done
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((listing_from IS NULL) = (listing_newest IS NULL)),
    CHECK (listing_from IS NOT NULL OR listing_after IS NULL)
);
INSERT INTO consumers.balance_cursors (list) VALUES ('balance_transactions'), ('payouts');

-- Payouts whose status may still change: listings reach back to the oldest of them.
CREATE TABLE consumers.watched_payouts (
    payout_id   text        PRIMARY KEY,
    created     bigint      NOT NULL,
    watch_until timestamptz NOT NULL  -- infinity until it is paid
);
CREATE INDEX watched_payouts_created ON consumers.watched_payouts (created);

GRANT SELECT, UPDATE ON consumers.balance_cursors TO paystream_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON consumers.watched_payouts TO paystream_app;
