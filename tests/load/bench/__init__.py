"""How fast the system is, each figure beside its limit on the same machine in the same run: `make bench`.

Each row is measured in several rounds, in turn with its limit: what the machine does meanwhile meets both. The median
counts, and the least and the most are shown. `docs/performance.md` says what the figures were, and on which machine.
"""
