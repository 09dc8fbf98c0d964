"""What every saga has in common: its statuses, and the outcome of one step. Not for: any saga's own rules.

A saga carries a purpose through several streams of the log, its participants, and takes back what was done when the
whole cannot be had (https://www.cs.cornell.edu/andru/cs711/2002fa/reading/sagas.pdf).
"""
