"""The options of TLS and SASL of our Kafka clients."""

import ssl
from typing import Any

from infra.errors import WrongSetting
from infra.settings.kafka import KafkaSecuritySettings


def security_options(settings: KafkaSecuritySettings) -> dict[str, Any]:
    """Return the options of TLS and SASL that every aiokafka client takes; none for PLAINTEXT.

    The files are read each time: a new client has a renewed certificate. Raises WrongSetting when one cannot be used.
    """
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {}
    if protocol != "PLAINTEXT":
        options["security_protocol"] = protocol
    if protocol.endswith("SSL"):
        options["ssl_context"] = _tls_context(settings)
    if settings.kafka_sasl_password is not None:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return options


def _tls_context(settings: KafkaSecuritySettings) -> ssl.SSLContext:
    authorities, certificate, key = (
        settings.kafka_ssl_ca_file,
        settings.kafka_ssl_cert_file,
        settings.kafka_ssl_key_file,
    )
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as error:
        raise WrongSetting(f"KAFKA_SSL_CA_FILE: no certificate can be read from {authorities}: {error}") from None
    if settings.kafka_ssl_verify != "full":
        context.check_hostname = False
    if settings.kafka_ssl_verify == "none":
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        password = settings.kafka_ssl_key_password
        try:
            # Never None: OpenSSL would ask for it on the terminal, and wait.
            context.load_cert_chain(certificate, key, "" if password is None else password.get_secret_value())
        except (OSError, ValueError) as error:
            message = (
                f"KAFKA_SSL_CERT_FILE {certificate} and KAFKA_SSL_KEY_FILE {key} cannot be used together"
                f"{' without KAFKA_SSL_KEY_PASSWORD' if password is None else ' with KAFKA_SSL_KEY_PASSWORD'}: {error}"
            )
            raise WrongSetting(message) from None
    return context
