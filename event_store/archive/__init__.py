"""Old partitions of the log in files: written, verified, and only then taken out of the database.

A partition is archived as a whole. What stays in the log beside it are the events of all streams that may go on, so
that each of them loads as before; only what is never read by itself again leaves (`policy`).
"""
