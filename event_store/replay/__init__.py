"""Reads the log again, in order, for audits: into files, a topic, or whatever folds it. It changes nothing."""
