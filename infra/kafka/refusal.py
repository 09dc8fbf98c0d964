"""Finds out why a cluster refused us: aiokafka only says that it could not connect to any of the addresses."""

import asyncio
import ssl
from collections.abc import Iterator

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed
from aiokafka.protocol.metadata import MetadataRequest

from infra.kafka.security import security_options
from infra.settings.kafka import KafkaSettings

_ASK_TIMEOUT_S = 3.0


async def refusal_reason(settings: KafkaSettings) -> str | None:
    """Connect to each address once more and return what is wrong; None when one accepts us.

    The text holds no secret. Takes at most 3 s for each address.
    """
    options = security_options(settings)
    reasons = []
    for host, port, _ in collect_hosts(settings.kafka_bootstrap_servers, randomize=False):
        try:
            async with asyncio.timeout(_ASK_TIMEOUT_S):
                connection = await create_conn(host, port, client_id="paystream-admin", **options)
                try:
                    # A broker that wants a login says only to the first real question that it got none.
                    await connection.send(MetadataRequest([]))
                finally:
                    connection.close()
        except (OSError, KafkaError) as error:
            reasons.append(f"{host}:{port} {_reason(error, settings)}")
        else:
            return None
    return "; ".join(reasons)


def _reason(error: BaseException, settings: KafkaSettings) -> str:
    *_, first = _causes(error)
    match first:
        case ssl.SSLCertVerificationError():
            return f"has a certificate that is not trusted ({first.verify_message}): see KAFKA_SSL_CA_FILE"
        case ssl.SSLError():
            return f"refuses TLS ({first.reason}): see KAFKA_SECURITY_PROTOCOL and KAFKA_SSL_CERT_FILE"
        case SaslAuthenticationFailed():
            return f"refuses the login of KAFKA_SASL_USERNAME {settings.kafka_sasl_username} ({first})"
        case TimeoutError():
            return f"has not answered within {_ASK_TIMEOUT_S:g} s"
        case OSError() if not isinstance(first, ConnectionResetError | ConnectionAbortedError):
            return f"cannot be reached ({first.strerror or first})"
        case _:
            return f"hangs up ({first!r}): does it speak {settings.kafka_security_protocol}?"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
