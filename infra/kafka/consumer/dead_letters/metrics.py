"""The metrics of dead letters."""

from prometheus_client import Counter, Gauge

DEAD_LETTERS = Counter(
    "consumer_dead_letters_total",
    "Records that became dead letters: undecodable, refused by the handler, or parked behind another of their stream",
    ["consumer", "topic", "reason"],
)
OPEN = Gauge(
    "consumer_dead_letters_open",
    "Dead letters of the consumer that are neither applied nor discarded; every member reports the same number",
    ["consumer"],
)
REPLAYS = Counter(
    "consumer_dead_letter_replays_total",
    "Dead letters that were tried again on request: applied or failed",
    ["consumer", "topic", "outcome"],
)
