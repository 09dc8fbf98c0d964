"""How the files of a proof are named: both as the event's id, and one of these."""

from typing import Final

EVENT_SUFFIX: Final = ".json"
PROOF_SUFFIX: Final = ".tlog-proof"
