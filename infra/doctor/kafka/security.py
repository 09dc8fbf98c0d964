"""How processes connect to the cluster: encrypted or not, with a login or not."""

from infra.doctor.addresses import is_local
from infra.doctor.finding import Area, Finding
from infra.errors import ProcessFailed
from infra.kafka.security import security_options
from infra.settings.kafka import KafkaSettings

AREA = Area("Kafka")
SUBJECT = "security"


def security_finding(settings: KafkaSettings) -> Finding:
    """Rate the protocol and the files of TLS; what settings refuse by themselves never comes here."""
    protocol = settings.kafka_security_protocol
    try:
        security_options(settings)
    except ProcessFailed as error:
        remedy = "Give the files that belong together, in PEM, readable by the user of the processes."
        return AREA.error(SUBJECT, str(error), remedy)
    summary = protocol if settings.kafka_sasl_mechanism is None else f"{protocol} with {settings.kafka_sasl_mechanism}"
    if settings.app_env == "production" and not protocol.endswith("SSL") and not _is_local(settings):
        detail = f"{summary}: payments cross the network in the clear, with APP_ENV=production"
        return AREA.warning(
            SUBJECT, detail, "Have the brokers speak TLS, and set KAFKA_SECURITY_PROTOCOL=SASL_SSL or SSL."
        )
    return AREA.ok(SUBJECT, summary)


def _is_local(settings: KafkaSettings) -> bool:
    return all(is_local(each.strip().rpartition(":")[0]) for each in settings.kafka_bootstrap_servers.split(","))
