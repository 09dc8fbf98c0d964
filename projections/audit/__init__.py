"""What an auditor sees: a payment's history, the invariants of money, and how the read model differs from a replay."""
