"""Reads Stripe's lists to their end, again and again, so that each row is recorded once.

How far a list is read is kept in PostgreSQL: another process goes on where one was killed. Not for: what a row says,
and what is recorded of it. Whoever reads a list knows that (`poll.Record`).
"""
