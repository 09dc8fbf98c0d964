"""Stripe's CSV reports as they lie on people's disks: whole or cut, packed, saved by a spreadsheet, pasted together.

What can be read in one way alone is read; anything else is refused with its place and a remedy, and nothing is kept.
"""
