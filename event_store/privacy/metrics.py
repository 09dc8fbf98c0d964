"""Metrics of personal data. Their alerts are in infra/deploy/prometheus/privacy.rules.yml."""

from prometheus_client import Counter

VALUES_ENCRYPTED = Counter("personal_data_values_encrypted_total", "Personal values that were encrypted")
KEYS_MADE = Counter("personal_data_keys_made_total", "Keys of new subjects")
VALUES_DAMAGED = Counter(
    "personal_data_values_damaged_total",
    "Encrypted values that are not as they were encrypted, or whose key is missing, at each read",
)
