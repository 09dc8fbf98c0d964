"""`paystream topics`: creates and verifies the topics that the installed package declares."""

from typing import Annotated

from infra.cli.commands import JSON_LINES, command_group

topics = command_group("Kafka topics.", settings_of=["relay"])


@topics.command("create", epilog="Example: paystream topics create")
def topics_create() -> None:
    """Create the topics that are missing on KAFKA_BOOTSTRAP_SERVERS."""
    from infra.kafka.cli_run import run_topics_create

    raise SystemExit(run_topics_create())


@topics.command("verify", epilog="Example: paystream topics verify --json")
def topics_verify(as_json: Annotated[bool, JSON_LINES] = False) -> None:
    """Fail on topics that are missing or not as declared.

    Shows every declared setting beside the one of the cluster at KAFKA_BOOTSTRAP_SERVERS, and how to correct it.
    Exit code 1 says that one differs, 2 that it could not be told.
    """
    from infra.kafka.cli_run import run_topics_verify

    raise SystemExit(run_topics_verify(as_json=as_json))
