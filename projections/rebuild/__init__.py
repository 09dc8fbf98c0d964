"""Builds a projection anew beside its live tables, from the log, and swaps the two without anybody having to wait."""
