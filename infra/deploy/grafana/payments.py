"""The dashboard of payments: how many, what becomes of them, and how long it takes."""

from infra.deploy.grafana.panels import Board, Lines, Number, Row, quantile, quantiles, rate

_POST = 'method="POST", route="/payments"'
_PROCESSING = "payment_processing_duration_seconds"
_SUCCEEDED = 'status=~"succeeded|requires_capture"'

PAYMENTS = Board(
    uid="paystream-payments",
    title="Paystream: payments",
    description="How many payments are asked for, what becomes of them, and how long it takes.",
    rows=(
        Row(
            title="Now",
            panels=(
                Number(
                    title="Payments a second",
                    description="Accepted requests to create a payment.",
                    expression=rate("payment_requests_total", where='status="accepted"'),
                    unit="reqps",
                    decimals=1,
                ),
                Number(
                    title="Success at Stripe",
                    description="Of the payments that Stripe answered: charged, or authorized to be captured.",
                    expression=f"{rate(f'{_PROCESSING}_count', where=_SUCCEEDED)} / {rate(f'{_PROCESSING}_count')}",
                    unit="percentunit",
                    warning=0.9,
                    critical=0.7,
                    decimals=1,
                ),
                Number(
                    title="p95 to Stripe's answer",
                    description="From the accepted request to the recorded answer of Stripe.",
                    expression=quantile(0.95, _PROCESSING),
                    unit="s",
                    warning=5,
                    critical=30,
                    decimals=2,
                ),
                Number(
                    title="p95 of POST /payments",
                    description="From the request's head to the end of the answer, with what waits for Stripe.",
                    expression=quantile(0.95, "http_request_duration_seconds", where=_POST),
                    unit="s",
                    warning=0.5,
                    critical=2,
                    decimals=3,
                ),
                Number(
                    title="Open authorizations",
                    description="Payments that are authorized and not captured.",
                    expression="max(authorizations_open)",
                    unit="short",
                ),
                Number(
                    title="Authorizations that end within a day",
                    description="They have to be captured before, or their money is released.",
                    expression='max(authorizations_expiring{within="24h"})',
                    unit="short",
                    warning=1,
                ),
            ),
        ),
        Row(
            title="Requests",
            panels=(
                Lines(
                    title="Requests to create a payment",
                    description="By what became of them. Replayed: the stored answer of the same idempotency key.",
                    targets=((rate("payment_requests_total", "status"), "{{status}}"),),
                    unit="reqps",
                    stacked=True,
                ),
                Lines(
                    title="Commands",
                    description="All commands: accepted, replayed, or the code of the error.",
                    targets=((rate("commands_total", "command", "result"), "{{command}} {{result}}"),),
                    unit="reqps",
                ),
                Lines(
                    title="Time of POST /payments",
                    description="From the request's head to the end of the answer.",
                    targets=quantiles("http_request_duration_seconds", where=_POST),
                    unit="s",
                ),
                Lines(
                    title="Time to record a command",
                    description="From a valid request to its events in the log, without waiting for Stripe.",
                    targets=quantiles("command_duration_seconds"),
                    unit="s",
                ),
                Lines(
                    title="Stored answers given again",
                    description="By where they were found; Redis is the fast path.",
                    targets=(
                        (rate("idempotency_replays_total", "source"), "{{source}}"),
                        (rate("idempotency_cache_hits_total"), "cache hits"),
                    ),
                    unit="reqps",
                ),
                Lines(
                    title="Payments accepted",
                    description="By currency.",
                    targets=((rate("payments_created_total", "currency"), "{{currency}}"),),
                    unit="reqps",
                    stacked=True,
                ),
            ),
        ),
        Row(
            title="Outcomes",
            panels=(
                Lines(
                    title="Payments that Stripe answered",
                    description="By their status after its first answer.",
                    targets=((rate(f"{_PROCESSING}_count", "status"), "{{status}}"),),
                    unit="reqps",
                    stacked=True,
                ),
                Lines(
                    title="Time to Stripe's answer",
                    description="From the accepted request to the recorded answer of Stripe.",
                    targets=quantiles(_PROCESSING),
                    unit="s",
                ),
                Lines(
                    title="Refunds accepted",
                    description="Requests that reserved their amount.",
                    targets=((rate("refunds_requested_total"), "refunds"),),
                    unit="reqps",
                ),
                Lines(
                    title="Sagas",
                    description="Split payments and other sagas that have not ended, by status.",
                    targets=(("sum by (kind, status) (sagas_open)", "{{kind}} {{status}}"),),
                    unit="short",
                ),
            ),
        ),
    ),
)
