"""Which days are due, and which runs are requested: the worker executes them, the oldest day first."""
