"""The consumer of batches: records are applied once, together with their checkpoints, or become dead letters."""
