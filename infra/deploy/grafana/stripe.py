"""The dashboard of Stripe's health: calls, errors, the circuit breaker, the rate limit, webhooks."""

from infra.deploy.grafana.panels import Board, Lines, Number, Row, quantile, quantiles, rate

_NO_DECLINE = 'error_type!="card_error"'

STRIPE = Board(
    uid="paystream-stripe",
    title="Paystream: Stripe",
    description="Whether Stripe answers, how fast, and what waits for it.",
    rows=(
        Row(
            title="Now",
            panels=(
                Number(
                    title="Circuit breaker",
                    description="0 closed: calls are made. 1 half-open: a few are tried. 2 open: none is made.",
                    expression="max(circuit_breaker_state)",
                    unit="none",
                    warning=1,
                    critical=2,
                ),
                Number(
                    title="Calls a second",
                    description="Calls that payments needed.",
                    expression=rate("stripe_calls_total"),
                    unit="reqps",
                    decimals=1,
                ),
                Number(
                    title="Errors a second",
                    description="Errors of Stripe's API but declined cards, and calls without an answer.",
                    expression=f"{rate('stripe_api_errors_total', where=_NO_DECLINE)} or vector(0)",
                    unit="reqps",
                    warning=0.1,
                    critical=1,
                    decimals=2,
                ),
                Number(
                    title="p95 of a call",
                    description="From a call's start to its answer or its time-out.",
                    expression=quantile(0.95, "stripe_call_duration_seconds"),
                    unit="s",
                    warning=2,
                    critical=10,
                    decimals=2,
                ),
                Number(
                    title="Calls that wait",
                    description="Wanted calls that are not done.",
                    expression='sum(max by (status) (gateway_tasks{status=~"due|leased|unknown"}))',
                    unit="short",
                    warning=1000,
                    critical=10000,
                ),
                Number(
                    title="Dead letters",
                    description="Calls that a person has to look at: paystream tasks list.",
                    expression='max(gateway_tasks{status="dead"})',
                    unit="short",
                    critical=1,
                ),
            ),
        ),
        Row(
            title="Calls",
            panels=(
                Lines(
                    title="Calls by outcome",
                    description="Declined: the card said no. Refused: Stripe did. Retryable: sent again with its key.",
                    targets=((rate("stripe_calls_total", "outcome"), "{{outcome}}"),),
                    unit="reqps",
                    stacked=True,
                ),
                Lines(
                    title="Calls by operation",
                    description="What Stripe was asked for.",
                    targets=((rate("stripe_calls_total", "operation"), "{{operation}}"),),
                    unit="reqps",
                    stacked=True,
                ),
                Lines(
                    title="Time of a call",
                    description="From a call's start to its answer or its time-out.",
                    targets=quantiles("stripe_call_duration_seconds"),
                    unit="s",
                ),
                Lines(
                    title="Errors of Stripe's API",
                    description="By Stripe's type, of every process that calls it. A card_error is a declined card.",
                    targets=((rate("stripe_api_errors_total", "error_type"), "{{error_type}}"),),
                    unit="reqps",
                ),
            ),
        ),
        Row(
            title="Limits",
            panels=(
                Lines(
                    title="Rate limit",
                    description="Calls a second that all processes may make now, and at most.",
                    targets=(
                        ("max(stripe_rate_limit_per_second)", "now"),
                        ("max(stripe_rate_limit_ceiling_per_second)", "at most"),
                    ),
                    unit="reqps",
                ),
                Lines(
                    title="Waits for the rate limit",
                    description="How long calls for payments, and reads in the background, waited for their turn.",
                    targets=(
                        (quantile(0.95, "stripe_rate_limit_wait_seconds"), "payments, p95"),
                        (quantile(0.95, "stripe_background_wait_seconds"), "background, p95"),
                    ),
                    unit="s",
                ),
                Lines(
                    title="Calls in flight",
                    description="Of all processes, and how many they may make at once.",
                    targets=(
                        ("sum(stripe_guard_calls_in_flight)", "in flight"),
                        ("sum(stripe_guard_calls_in_flight_limit)", "at most"),
                    ),
                    unit="short",
                ),
                Lines(
                    title="Not called, to spare Stripe",
                    description="Refused by the open breaker, put off by the limit, or refused by Stripe with 429.",
                    targets=(
                        (rate("circuit_breaker_refusals_total"), "breaker open"),
                        (rate("stripe_rate_limit_throttled_total"), "too many waited"),
                        (rate("stripe_rate_limit_hits_total"), "429 by Stripe"),
                    ),
                    unit="reqps",
                ),
            ),
        ),
        Row(
            title="Webhooks and lists",
            panels=(
                Lines(
                    title="Webhooks",
                    description="By what became of them. A duplicate was recorded before.",
                    targets=((rate("stripe_webhooks_total", "result"), "{{result}}"),),
                    unit="reqps",
                    stacked=True,
                ),
                Lines(
                    title="Payments that wait for Stripe",
                    description="What the sweeper watches, by what they wait for.",
                    targets=(("max by (waits_for) (sweeper_waiting_payments)", "{{waits_for}}"),),
                    unit="short",
                ),
                Lines(
                    title="Age of the last complete reading",
                    description="Of Stripe's lists that are read in the background.",
                    targets=(("max by (list) (balance_poll_age_seconds)", "{{list}}"),),
                    unit="s",
                ),
                Lines(
                    title="Rows read",
                    description="Rows that Stripe listed, those known already too.",
                    targets=((rate("stripe_list_rows_read_total", "list"), "{{list}}"),),
                    unit="ops",
                ),
            ),
        ),
    ),
)
