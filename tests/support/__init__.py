"""What several suites share: builders of values and waiting for conditions."""
