"""The `reconciliation` projection: the newest run of each day, and every discrepancy as it stands."""
