"""What is fine for development and not where real money moves. What a process refuses by itself, Settings shows."""

from collections.abc import Iterator, Sequence

from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr, ValidationError

from infra.doctor.addresses import UNREADABLE, is_local, postgres_address, redis_address
from infra.doctor.deployment import Deployment, Process, layers
from infra.doctor.finding import Area, Finding
from infra.redis.redlock import RedlockSettings
from infra.settings.kafka import KafkaSecuritySettings
from infra.settings.postgres import AccessDatabaseSettings, AuditDatabaseSettings
from infra.settings.privacy import PrivacySettings
from infra.settings.process import ProcessSettings
from infra.settings.redis import RedisSettings
from infra.settings.stripe import StripeSettings
from infra.settings.tls import POSTGRES_ADDRESSES, RedisTlsSettings

AREA = Area("Production")

_STRIPES = "https://api.stripe.com"
_ENCRYPTED = ("require", "verify-ca", "verify-full")
_OF_COMMANDS: Sequence[type[ProcessSettings]] = (AuditDatabaseSettings, AccessDatabaseSettings)
"""Of what no process runs: `paystream audit`, `merchants` and `keys`."""


def production_findings(deployment: Deployment) -> Iterator[Finding]:
    """Yield what should be otherwise with APP_ENV=production; else, that these rules were not applied."""
    environments = {
        each.settings.app_env for each in deployment.targets(ProcessSettings, differing_in=("app_env",)).found
    }
    if "production" not in environments:
        summary = " and ".join(sorted(environments)) or "not known"
        yield AREA.ok("APP_ENV", f"{summary}: what only production must have was not asked for")
        return
    found = [
        *_stripe(deployment),
        *_databases(deployment),
        *_redis(deployment),
        *_unverified(deployment),
        *_privacy(deployment),
    ]
    yield from found
    if not found:
        yield AREA.ok("APP_ENV", "production, and nothing of development is left (see also the lines above)")


def _stripe(deployment: Deployment) -> Iterator[Finding]:
    for target in deployment.targets(StripeSettings, differing_in=("stripe_api_base",)).found:
        base = target.settings.stripe_api_base
        if base is not None and base != _STRIPES:
            detail = f"STRIPE_API_BASE={base} is not Stripe itself: payments there may move no money"
            yield AREA.warning("STRIPE_API_BASE", detail, "Leave STRIPE_API_BASE empty, unless it is a proxy of yours.")


def _databases(deployment: Deployment) -> Iterator[Finding]:
    urls = {found for process in deployment.processes for found in _database_urls(process)}
    for variable, url in sorted(urls):
        given = conninfo_to_dict(url)
        hosts = str(given.get("host") or "").split(",")
        address = postgres_address(url)
        if address != UNREADABLE and given.get("sslmode") not in _ENCRYPTED and not all(map(is_local, hosts)):
            detail = f"{variable} ({address}) would also be used without TLS"
            yield AREA.warning(
                variable, detail, "Set DATABASE_SSL_CA_FILE, or add sslmode=verify-full and sslrootcert=... to it."
            )


def _database_urls(process: Process) -> Iterator[tuple[str, str]]:
    """Give the addresses of PostgreSQL that a process or a command finds there, each with its variable."""
    classes: list[type[ProcessSettings]] = [*layers(process.settings), *_OF_COMMANDS]
    for cls in classes:
        try:
            settings = process.read(cls)
        except ValidationError:
            continue  # what it is made of may be readable
        for name, value in vars(settings).items():
            if isinstance(value, SecretStr) and name.endswith(POSTGRES_ADDRESSES):
                yield name.upper(), value.get_secret_value()


def _redis(deployment: Deployment) -> Iterator[Finding]:
    urls = {("REDIS_URL", each.settings.redis_url) for each in deployment.targets(RedisSettings).found}
    urls |= {
        ("REDLOCK_URLS", url)
        for each in deployment.targets(RedlockSettings).found
        for url in each.settings.redlock_urls
        if url != each.settings.redis_url
    }
    plain = {
        (variable, redis_address(url))
        for variable, secret in urls
        if (url := secret.get_secret_value()).startswith("redis://") and not is_local(_host(url))
    }
    for variable, address in sorted(plain):
        detail = f"{variable} ({address}) is used in the clear, password included"
        yield AREA.warning(variable, detail, "Have the server speak TLS, and write rediss://...")


def _unverified(deployment: Deployment) -> Iterator[Finding]:
    """Yield which servers may be anybody: who stands between reads and changes what is sent."""
    redis = deployment.targets(RedisTlsSettings, differing_in=("redis_ssl_verify",)).found
    kafka = deployment.targets(KafkaSecuritySettings, differing_in=("kafka_ssl_verify",)).found
    modes = {("REDIS_SSL_VERIFY", each.settings.redis_ssl_verify) for each in redis}
    modes |= {("KAFKA_SSL_VERIFY", each.settings.kafka_ssl_verify) for each in kafka}
    for variable, mode in sorted(modes):
        if mode == "none":
            remedy = f"Name who signs its certificate in {variable.replace('VERIFY', 'CA_FILE')}, and set it to full."
            yield AREA.warning(variable, f"{variable}=none takes any server for the right one", remedy)


def _privacy(deployment: Deployment) -> Iterator[Finding]:
    targets = deployment.targets(PrivacySettings, differing_in=("privacy_wrapping_keys", "privacy_encryption"))
    for target in targets.found:
        if not target.settings.privacy_encryption:
            detail = f"{', '.join(target.users)}: personal data is recorded in clear, and can never be erased"
            remedy = "Set PRIVACY_WRAPPING_KEYS, and take PRIVACY_ENCRYPTION=false away."
            yield AREA.warning("PRIVACY_ENCRYPTION", detail, remedy)
    ids = {tuple(target.settings.wrapping_keys) for target in targets.found}
    if len(ids) > 1:
        detail = (
            f"processes have different wrapping keys: {' and '.join(', '.join(each) or 'none' for each in sorted(ids))}"
        )
        remedy = "Give all of them the same, as docs/runbooks/rotate-the-wrapping-key.md has it."
        yield AREA.warning("PRIVACY_WRAPPING_KEYS", detail, remedy)


def _host(url: str) -> str:
    return redis_address(url).partition("/")[0].rpartition(":")[0]
