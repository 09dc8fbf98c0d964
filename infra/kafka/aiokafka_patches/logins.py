"""Keeps what aiokafka sends to log in out of its DEBUG lines.

aiokafka writes every request there: the password of PLAIN, and of SCRAM what a password can be guessed from offline.
"""

import logging


def keep_logins_out_of_logs() -> None:
    """Filter the lines of every aiokafka connection of this process. Running it again changes nothing."""
    logging.getLogger("aiokafka.conn").addFilter(_is_no_login)


def _is_no_login(record: logging.LogRecord) -> bool:
    arguments = record.args if isinstance(record.args, tuple) else ()
    return not any(type(each).__name__.startswith("SaslAuthenticate") for each in arguments)
