"""Metrics of personal data."""

from prometheus_client import Counter

VALUES_ENCRYPTED = Counter("personal_data_values_encrypted_total", "Personal values that were encrypted")
KEYS_MADE = Counter("personal_data_keys_made_total", "Keys of new subjects")
VALUES_DAMAGED = Counter(
    "personal_data_values_damaged_total", "Encrypted values that are not as they were encrypted, at each read"
)
