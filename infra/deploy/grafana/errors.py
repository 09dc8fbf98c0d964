"""The dashboard of errors: what was refused, what failed, and what a person has to look at."""

from infra.deploy.grafana.panels import Board, Lines, Number, Row, rate

_REQUESTS = "http_requests_total"
_5XX = 'status=~"5.."'

ERRORS = Board(
    uid="paystream-errors",
    title="Paystream: errors",
    description="What was refused, what failed, and what a person has to look at.",
    rows=(
        Row(
            title="To look at",
            panels=(
                Number(
                    title="Server errors",
                    description="Of all HTTP requests, the share that was answered with 5xx.",
                    expression=f"({rate(_REQUESTS, where=_5XX)} or vector(0)) / {rate(_REQUESTS)}",
                    unit="percentunit",
                    warning=0.001,
                    critical=0.01,
                    decimals=2,
                ),
                Number(
                    title="Calls that are dead",
                    description="Calls of Stripe that a person has to look at.",
                    expression='max(gateway_tasks{status="dead"})',
                    unit="short",
                    critical=1,
                ),
                Number(
                    title="Dead letters",
                    description="Events that a consumer could not apply.",
                    expression="sum(max by (consumer) (consumer_dead_letters_open))",
                    unit="short",
                    critical=1,
                ),
                Number(
                    title="Paused partitions",
                    description="Partitions that a consumer does not go on with.",
                    expression="sum(consumer_stopped_partitions)",
                    unit="short",
                    critical=1,
                ),
                Number(
                    title="Discrepancies",
                    description="Differences from Stripe that nobody has explained.",
                    expression='max(reconciliation_unresolved_discrepancies{status="open"})',
                    unit="short",
                    critical=1,
                ),
                Number(
                    title="Contradictions",
                    description="Payments of which Stripe says what contradicts the log.",
                    expression="max(payments_contradicted)",
                    unit="short",
                    critical=1,
                ),
            ),
        ),
        Row(
            title="HTTP",
            panels=(
                Lines(
                    title="Answers by status",
                    description="Of both APIs.",
                    targets=((rate("http_requests_total", "status"), "{{status}}"),),
                    unit="reqps",
                    stacked=True,
                ),
                Lines(
                    title="Client and server errors by route",
                    description="Answers of 4xx and 5xx.",
                    targets=(
                        (
                            rate("http_requests_total", "route", "status", where='status=~"[45].."'),
                            "{{route}} {{status}}",
                        ),
                    ),
                    unit="reqps",
                ),
                Lines(
                    title="Commands that were refused",
                    description="By the code of the error.",
                    targets=(
                        (
                            rate("commands_total", "command", "result", where='result!~"accepted|replayed"'),
                            "{{command}} {{result}}",
                        ),
                    ),
                    unit="reqps",
                ),
                Lines(
                    title="Refused as too many were under way",
                    description="Commands, webhooks and reads that were answered with 503 at once.",
                    targets=(
                        (rate("commands_overloaded_total", "what"), "{{what}}"),
                        (rate("database_pool_refused_total", "pool"), "{{pool}}"),
                    ),
                    unit="reqps",
                ),
            ),
        ),
        Row(
            title="Behind the APIs",
            panels=(
                Lines(
                    title="Errors of Stripe's API",
                    description="By Stripe's type of the error.",
                    targets=((rate("stripe_api_errors_total", "error_type"), "{{error_type}}"),),
                    unit="reqps",
                ),
                Lines(
                    title="Discrepancies found",
                    description="That a reconciliation opened, or that came back.",
                    targets=((rate("reconciliation_discrepancies_total", "kind"), "{{kind}}"),),
                    unit="ops",
                ),
                Lines(
                    title="Mended by the system itself",
                    description="Leases that ran out, requests without a task, payments undone at Stripe.",
                    targets=(
                        (rate("gateway_leases_lost_total"), "leases that ran out"),
                        (f"{rate('sweeper_missing_tasks_total')} or vector(0)", "requests without a task"),
                        (f"{rate('gateway_undone_total')} or vector(0)", "undone at Stripe"),
                    ),
                    unit="ops",
                ),
                Lines(
                    title="Kafka",
                    description="Events that Kafka refused, and sessions of the relay that an error ended.",
                    targets=(
                        (rate("relay_events_refused_total"), "refused"),
                        (f"{rate('relay_sessions_total', 'ended_by')} or vector(0)", "sessions {{ended_by}}"),
                    ),
                    unit="ops",
                ),
                Lines(
                    title="Redis is away",
                    description="Uses of the idempotency cache that went without, PostgreSQL deciding alone.",
                    targets=((rate("idempotency_redis_unavailable_total"), "without Redis"),),
                    unit="reqps",
                ),
                Lines(
                    title="Sagas",
                    description="Compensations that began, and sagas that need a person.",
                    targets=(
                        (f"{rate('sagas_compensations_total')} or vector(0)", "compensations"),
                        (f"{rate('sagas_stuck_total')} or vector(0)", "stuck"),
                    ),
                    unit="ops",
                ),
                Lines(
                    title="Webhooks to merchants",
                    description="Attempts that failed, and endpoints that were disabled.",
                    targets=(
                        (rate("webhooks_out_attempts_total", "result", where='result!="delivered"'), "{{result}}"),
                        (f"{rate('webhooks_out_endpoints_disabled_total')} or vector(0)", "endpoints disabled"),
                    ),
                    unit="ops",
                ),
            ),
        ),
    ),
)
