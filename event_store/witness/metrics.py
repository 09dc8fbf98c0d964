"""What a witness tells Prometheus."""

from prometheus_client import Counter

REQUESTS = Counter("witness_requests_total", "Checkpoints that logs asked this witness to sign", ["status"])
