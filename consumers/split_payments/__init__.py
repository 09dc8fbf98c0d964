"""Split payments as a saga for the runner. Their rules are in `domain.split_payment`."""
