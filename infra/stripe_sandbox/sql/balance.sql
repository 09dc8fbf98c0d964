-- name: insert_balance_transaction
-- A new row, after all others.
INSERT INTO balance_transactions (account, id, source, payout, type, reporting_category, currency, amount, fee,
    description, created, available_on, shown)
VALUES (:account, :id, :source, :payout, :type, :reporting_category, :currency, :amount, :fee, :description, :created,
    :available_on, :shown);

-- name: get_balance_transaction
-- One row as the API may show it.
SELECT * FROM balance_transactions WHERE id = :id AND account = :account AND shown;

-- name: balance_transaction_of_any_account
-- One row, shown or not, for the control panel.
SELECT * FROM balance_transactions WHERE id = :id;

-- name: balance_newest_first
-- A page below a position.
SELECT * FROM balance_transactions
WHERE account = :account AND seq < :edge AND shown AND created BETWEEN :created_from AND :created_to
    AND (:currency IS NULL OR currency = :currency) AND (:type IS NULL OR type = :type)
ORDER BY seq DESC LIMIT :count;

-- name: balance_oldest_first
-- A page above a position.
SELECT * FROM balance_transactions
WHERE account = :account AND seq > :edge AND shown AND created BETWEEN :created_from AND :created_to
    AND (:currency IS NULL OR currency = :currency) AND (:type IS NULL OR type = :type)
ORDER BY seq LIMIT :count;

-- name: balance_of_payout_newest_first
-- A page of what one payout paid out, and the payout itself, below a position.
SELECT * FROM balance_transactions
WHERE payout = :payout AND account = :account AND seq < :edge AND shown AND created BETWEEN :created_from AND :created_to
    AND (:currency IS NULL OR currency = :currency) AND (:type IS NULL OR type = :type)
ORDER BY seq DESC LIMIT :count;

-- name: balance_of_payout_oldest_first
-- The same above a position.
SELECT * FROM balance_transactions
WHERE payout = :payout AND account = :account AND seq > :edge AND shown AND created BETWEEN :created_from AND :created_to
    AND (:currency IS NULL OR currency = :currency) AND (:type IS NULL OR type = :type)
ORDER BY seq LIMIT :count;

-- name: balance_of_source
-- All that one object did to the balance, newest first: a handful.
SELECT * FROM balance_transactions WHERE source = :source AND account = :account AND shown ORDER BY seq DESC;

-- name: balances
-- What an account has, by currency: available and pending, fees taken off.
SELECT currency, sum(CASE WHEN available_on <= :now THEN amount - fee ELSE 0 END),
    sum(CASE WHEN available_on > :now THEN amount - fee ELSE 0 END)
FROM balance_transactions WHERE account = :account GROUP BY currency ORDER BY currency;

-- name: accounts_to_pay_out
-- What automatic payouts of all accounts would pay out now.
SELECT account, currency, sum(amount - fee) FROM balance_transactions
WHERE payout IS NULL AND available_on <= :now GROUP BY account, currency HAVING sum(amount - fee) > 0
ORDER BY account, currency;

-- name: assign_to_payout
-- Says of everything available that this payout pays it out.
UPDATE balance_transactions SET payout = :payout
WHERE account = :account AND currency = :currency AND payout IS NULL AND available_on <= :now;

-- name: change_balance_transaction
-- What a fault does to a row afterwards.
UPDATE balance_transactions SET shown = :shown, fee = :fee, amount = :amount, currency = :currency WHERE id = :id;

-- name: all_balance_transactions
-- Everything of every account, shown or not, oldest first.
SELECT * FROM balance_transactions ORDER BY seq;

-- name: count_balance_transactions
-- How many rows there are by type.
SELECT type, count(*) FROM balance_transactions GROUP BY type;
