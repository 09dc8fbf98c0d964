"""Up to where the read model of payments is whole, so that reads can wait for any position of the log.

A payment's event shows by itself when it is applied. A position without one (another category's event, a gap of what
was rolled back, the leap after a recovery) never will: it is reached when every payment's event up to there is applied.
See docs/decisions/0022.
"""
