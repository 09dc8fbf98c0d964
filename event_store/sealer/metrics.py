"""What the sealer tells Prometheus."""

from prometheus_client import Counter, Gauge

ROUNDS = Counter(
    "sealer_rounds_total",
    "Looks for something to seal: with the lock; without, as the lock servers are away; closed log; failed",
    ["result"],
)
for _result in ("with_lock", "without_lock", "closed", "failed"):
    ROUNDS.labels(_result)  # from the start: Prometheus sees no rise in a series that it sees for the first time
SEALED = Counter("sealer_sealed_events_total", "Events added to the tree")
CHECKPOINTS = Counter("sealer_checkpoints_total", "Checkpoints signed")
SIZE = Gauge("sealer_tree_size", "Events in the tree of the newest checkpoint")
OLDEST_UNSEALED_SECONDS = Gauge(
    "sealer_oldest_unsealed_seconds", "For how long an event waits to be sealed; 0: none does"
)
DIFFERS = Gauge("sealer_sealed_event_differs", "1: the event that was sealed last is not in the log as it was sealed")
WITNESS_ANSWERS = Counter(
    "sealer_witness_answers_total",
    "Checkpoints that a witness was asked to sign: cosigned; unknown, as it does not know the log or its key; refused, "
    "as it has signed another tree; failed, as it did not answer, or not as it should",
    ["witness", "result"],
)
WITNESS_REFUSES = Gauge(
    "sealer_witness_refuses", "1: the witness has signed a tree that is not the beginning of this one", ["witness"]
)
UNWITNESSED_SECONDS = Gauge(
    "sealer_unwitnessed_seconds", "For how long a checkpoint waits for the quorum of its witnesses; 0: none does"
)
