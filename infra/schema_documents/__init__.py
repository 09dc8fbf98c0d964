"""The published documents in `schemas/exported/`: written from the code, compared with what was published."""
