"""What commands end with, besides 0 and 1. A module of its own: what processes load has no command line in it."""

WRONG_OPTION = 2
"""Of a command that was called wrongly, as Click has it."""

COULD_NOT_LOOK = 2
"""Of a command whose 1 is a finding, when it cannot tell: as `diff` and `grep` have it."""
