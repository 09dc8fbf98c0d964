"""The command: see the package."""

import argparse
import asyncio
import sys

import stripe

from infra.settings import StripeSettings
from infra.stripe_client import create_transport
from infra.stripe_sandbox.differential.play import lines
from infra.stripe_sandbox.differential.scripts import SCRIPTS


def main() -> None:
    """Print the results of the scripts as JSON lines. Refuses keys that move money."""
    parser = argparse.ArgumentParser(prog="python -m infra.stripe_sandbox.differential", description=__doc__)
    parser.add_argument("--api-base", default=stripe.DEFAULT_API_BASE, help="where Stripe is (default: %(default)s)")
    parser.add_argument("--key", required=True, help="a secret test key")
    parser.add_argument("--script", action="append", choices=sorted(SCRIPTS), help="which script (default: all)")
    wanted = parser.parse_args()
    if not wanted.key.startswith(("sk_test_", "rk_test_")):
        parser.error("--key must be a test key: the scripts make payments")
    asyncio.run(_play(wanted.api_base, wanted.key, wanted.script or sorted(SCRIPTS)))


async def _play(api_base: str, key: str, names: list[str]) -> None:
    transport = create_transport(StripeSettings.model_validate({"stripe_secret_key": key}))
    client = stripe.StripeClient(
        key, base_addresses={"api": api_base.rstrip("/")}, max_network_retries=0, http_client=transport
    )
    try:
        for name in names:
            async for line in lines(client, name, SCRIPTS[name]):
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
    finally:
        await transport.close_async()


if __name__ == "__main__":
    main()
