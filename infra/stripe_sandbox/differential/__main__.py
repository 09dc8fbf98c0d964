"""The command: see the package."""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import stripe

from infra.settings.stripe import StripeSettings
from infra.stripe.client import create_transport
from infra.stripe_sandbox.differential.files import ScriptFileError, read_scripts
from infra.stripe_sandbox.differential.play import lines
from infra.stripe_sandbox.differential.scripts import SCRIPTS
from infra.stripe_sandbox.differential.steps import Script


def main() -> None:
    """Print the results of the scripts as JSON lines. Refuses keys that move money."""
    parser = argparse.ArgumentParser(prog="python -m infra.stripe_sandbox.differential", description=__doc__)
    parser.add_argument("--api-base", default=stripe.DEFAULT_API_BASE, help="where Stripe is (default: %(default)s)")
    parser.add_argument("--key", required=True, help="a secret test key")
    parser.add_argument(
        "--script", action="append", choices=sorted(SCRIPTS), help="which of its own scripts (default: all)"
    )
    parser.add_argument("--file", action="append", type=Path, help="a script of yours: see docs/stripe-sandbox.md")
    arguments = parser.parse_args()
    if not arguments.key.startswith(("sk_test_", "rk_test_")):
        parser.error("--key must be a test key: the scripts make payments")
    try:
        scripts = _selected_scripts(arguments.script or [], arguments.file or [])
    except ScriptFileError as error:
        parser.error(str(error))
    asyncio.run(_play(arguments.api_base, arguments.key, scripts))


def _selected_scripts(names: list[str], files: list[Path]) -> dict[str, Script]:
    """Return the scripts to play: the named ones, then those of the files. Without either: all that are built in."""
    own = names if names or files else sorted(SCRIPTS)
    scripts = {name: SCRIPTS[name] for name in own}
    for file in files:
        scripts |= read_scripts(file)
    return scripts


async def _play(api_base: str, key: str, scripts: Mapping[str, Script]) -> None:
    transport = create_transport(StripeSettings.model_validate({"stripe_secret_key": key}))
    client = stripe.StripeClient(
        key, base_addresses={"api": api_base.rstrip("/")}, max_network_retries=0, http_client=transport
    )
    try:
        for name, script in scripts.items():
            async for line in lines(client, name, script):
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
    finally:
        await transport.close_async()


if __name__ == "__main__":
    main()
