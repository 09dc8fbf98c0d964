"""What `paystream staff` does."""

import getpass
import sys

from back_office.staff.passwords import MIN_PASSWORD_CHARS, hash_password
from back_office.staff.totp import address_of, new_secret


def run_hash() -> int:
    """Print the hash of a password; return the exit code."""
    password = _typed_twice() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if password is None:
        print("paystream: the two are not the same; nothing was made", file=sys.stderr)
        return 1
    if len(password) < MIN_PASSWORD_CHARS:
        print(f"paystream: a password has at least {MIN_PASSWORD_CHARS} characters", file=sys.stderr)
        return 1
    print(hash_password(password))
    return 0


def run_totp(name: str) -> int:
    """Print what an app takes to stderr, and the secret alone to stdout; return the exit code."""
    secret = new_secret()
    print(f"For the app, as a QR code or by hand: {address_of(name, secret)}", file=sys.stderr)
    print("For BACK_OFFICE_STAFF, as totp_secret:", file=sys.stderr)
    print(secret)
    return 0


def _typed_twice() -> str | None:
    password = getpass.getpass("Password: ")
    return password if password == getpass.getpass("Once more: ") else None
