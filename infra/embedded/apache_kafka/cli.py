"""`paystream kafka`: Apache Kafka alone, for processes that are run one by one."""

from typing import Annotated

import typer

from infra.cli.commands import command_group

kafka = command_group("A real Kafka on this machine.")


@kafka.callback()
def kafka_group() -> None:
    """Keep `start` a command of its own: Typer makes a single one the group itself."""


@kafka.command("start", epilog="Example: paystream kafka start --port 9092")
def kafka_start(
    brokers: Annotated[int, typer.Option(min=1, max=9, help="How many; each takes about 160 MB and a port.")] = 1,
    port: Annotated[int, typer.Option(min=1024, max=65000, help="Of the first broker; the others follow.")] = 9092,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS, with certificates made for this machine.")] = False,
) -> None:
    """Run Apache Kafka on this machine until Ctrl-C.

    It needs Java 17 and, the first time, Maven. Its data stays in PAYSTREAM_HOME.
    """
    from infra.embedded.apache_kafka.cli_run import run_kafka_start

    raise SystemExit(run_kafka_start(brokers=brokers, port=port, tls=tls))
