"""Whether the witnesses of the log answer, and sign it: what one of them misses is nobody's error but the quorum's."""
