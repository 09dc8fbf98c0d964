"""The dashboard of the system: the way of an event through log, Kafka and read model, and what its processes take."""

from infra.deploy.grafana.panels import RATE, Board, Lines, Number, Row, quantiles, rate

SYSTEM = Board(
    uid="paystream-system",
    title="Paystream: system",
    description="How far Kafka, the consumers and the read model are behind the log, and what the processes take.",
    rows=(
        Row(
            title="Now",
            panels=(
                Number(
                    title="Processes that answer",
                    description="Of all that Prometheus asks.",
                    expression='sum(up{job=~"paystream.*"}) / count(up{job=~"paystream.*"})',
                    unit="percentunit",
                    warning=1,
                    critical=0.9,
                ),
                Number(
                    title="Outbox",
                    description="Events in the log that are not in Kafka yet.",
                    expression="max(outbox_queue_depth)",
                    unit="short",
                    warning=1000,
                    critical=10000,
                ),
                Number(
                    title="Oldest unpublished event",
                    description="Its age.",
                    expression="max(outbox_oldest_event_age_seconds)",
                    unit="s",
                    warning=5,
                    critical=60,
                ),
                Number(
                    title="Read model behind",
                    description="Age of the oldest event that the projector has not applied.",
                    expression='max(consumer_lag_seconds{consumer="projector"})',
                    unit="s",
                    warning=5,
                    critical=60,
                    decimals=2,
                ),
                Number(
                    title="Log takes events",
                    description="1: yes. 0: the log is closed until it was compared with Kafka.",
                    expression="1 - max(event_log_closed)",
                    unit="none",
                    warning=1,
                    critical=0.5,
                ),
                Number(
                    title="Relays that publish",
                    description="One for each shard; the others wait.",
                    expression="sum(relay_leading)",
                    unit="short",
                    warning=1,
                    critical=0.5,
                ),
            ),
        ),
        Row(
            title="From the log to the read model",
            panels=(
                Lines(
                    title="Outbox",
                    description="Events in the log that are not in Kafka yet.",
                    targets=(("max(outbox_queue_depth)", "events"),),
                    unit="short",
                ),
                Lines(
                    title="Time to Kafka",
                    description="From an event's recording to its delivery.",
                    targets=quantiles("outbox_publish_delay_seconds"),
                    unit="s",
                ),
                Lines(
                    title="Consumers behind",
                    description="Age of the oldest event that a consumer has not applied, by consumer.",
                    targets=(("max by (consumer) (consumer_lag_seconds)", "{{consumer}}"),),
                    unit="s",
                ),
                Lines(
                    title="Events that consumers have before them",
                    description="Summed over partitions, by consumer.",
                    targets=(("sum by (consumer) (consumer_lag_events)", "{{consumer}}"),),
                    unit="short",
                ),
                Lines(
                    title="Time to the read model",
                    description="From an event's recording to its row, of what was applied last, by projection.",
                    targets=(("max by (projection) (projection_lag_seconds)", "{{projection}}"),),
                    unit="s",
                ),
                Lines(
                    title="Events applied",
                    description="By consumer.",
                    targets=((rate("consumer_events_applied_total", "consumer"), "{{consumer}}"),),
                    unit="ops",
                ),
            ),
        ),
        Row(
            title="Finance",
            panels=(
                Lines(
                    title="Age of the last good reconciliation",
                    description="Since the newest day was reconciled.",
                    targets=(("min(reconciliation_last_good_run_age_seconds)", "age"),),
                    unit="s",
                ),
                Lines(
                    title="Discrepancies that are not resolved",
                    description="Open, or explained and not yet gone.",
                    targets=(("max by (status) (reconciliation_unresolved_discrepancies)", "{{status}}"),),
                    unit="short",
                ),
            ),
        ),
        Row(
            title="Processes",
            panels=(
                Lines(
                    title="Processor time",
                    description="Cores that a process keeps busy.",
                    targets=((f"sum by (job) (rate(process_cpu_seconds_total[{RATE}]))", "{{job}}"),),
                    unit="none",
                    stacked=True,
                ),
                Lines(
                    title="Memory",
                    description="Resident, summed over the processes of a job.",
                    targets=(("sum by (job) (process_resident_memory_bytes)", "{{job}}"),),
                    unit="bytes",
                    stacked=True,
                ),
                Lines(
                    title="Time of a batch",
                    description="How long consumers take to apply what a poll brought, p50, p95, p99.",
                    targets=quantiles("consumer_batch_duration_seconds"),
                    unit="s",
                ),
                Lines(
                    title="Open files",
                    description="By job.",
                    targets=(("sum by (job) (process_open_fds)", "{{job}}"),),
                    unit="short",
                ),
            ),
        ),
    ),
)
