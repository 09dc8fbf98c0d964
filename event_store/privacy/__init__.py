"""Encrypts the personal data of events on their way into the log, and reads it in clear for those who may."""
