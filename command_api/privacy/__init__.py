"""Erases the personal data of a user and hands it out, as `paystream privacy` does: for operators, over HTTP."""
