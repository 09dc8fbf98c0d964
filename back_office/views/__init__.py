"""Saved views of the list of payments: filters and columns under a name, each with how many payments it shows now.

A person's own are kept in their browser, in a cookie that only this process reads: there is no database here, and the
address of a view is all that it is, so that a colleague gets it as a link.
"""
