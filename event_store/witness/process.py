"""The process `paystream witness`."""

import asyncio

from event_store.proofs.errors import MalformedProof
from event_store.proofs.key_files import key_lines
from event_store.proofs.note import COSIGNATURE_V1, ED25519, PrivateKey, PublicKey
from event_store.witness.app import build_app
from event_store.witness.settings import WitnessSettings
from event_store.witness.state import StateUnusable, WitnessState
from event_store.witness.witness import Witness
from infra.errors import ProcessFailed, WrongSetting
from infra.http.server import serve as serve_http
from infra.process.health import Unhealthy
from infra.process.runtime import Runtime
from infra.process.service import Service

NAME = "witness"


async def serve(runtime: Runtime, settings: WitnessSettings) -> None:
    """Serve HTTP until `runtime.stop` is set. Raises ProcessFailed for what no witness can work with."""
    key, logs, state = witness_key(settings), known_logs(settings), witness_state(settings)

    async def check_state() -> None:
        try:
            await asyncio.to_thread(state.check)
        except StateUnusable as error:
            raise Unhealthy(str(error)) from None

    runtime.health.add_readiness("state", check_state)
    app = build_app(Witness(state, key, logs), runtime.health)
    await serve_http(app, settings.witness_host, settings.witness_port, runtime)


def witness_key(settings: WitnessSettings) -> PrivateKey:
    """Return what it signs with. Raises WrongSetting."""
    if settings.witness_key is not None:
        texts = [settings.witness_key.get_secret_value()]
    elif settings.witness_key_file is not None:
        texts = key_lines(settings.witness_key_file, "WITNESS_KEY_FILE")
    else:
        raise WrongSetting("WITNESS_KEY_FILE is not set. Make a key: paystream witness new-key NAME FILE")
    try:
        (key,) = map(PrivateKey.parse, texts)
    except (MalformedProof, ValueError) as error:
        reason = error if isinstance(error, MalformedProof) else "a witness has one key"
        raise WrongSetting(f"WITNESS_KEY or WITNESS_KEY_FILE cannot be used: {reason}") from None
    if key.algorithm != COSIGNATURE_V1:
        raise WrongSetting("WITNESS_KEY is of a log. Make one of a witness: paystream witness new-key NAME FILE")
    return key


def known_logs(settings: WitnessSettings) -> list[PublicKey]:
    """Return the keys of the logs that it looks at. Raises WrongSetting."""
    texts = [*settings.witness_logs]
    if settings.witness_logs_file is not None:
        texts += key_lines(settings.witness_logs_file, "WITNESS_LOGS_FILE")
    if not texts:
        raise WrongSetting("neither WITNESS_LOGS nor WITNESS_LOGS_FILE is set: whose checkpoints are to be signed?")
    try:
        keys = [PublicKey.parse(each) for each in texts]
    except MalformedProof as error:
        raise WrongSetting(f"WITNESS_LOGS or WITNESS_LOGS_FILE cannot be used: {error}") from None
    if any(key.algorithm != ED25519 for key in keys):
        raise WrongSetting("WITNESS_LOGS and WITNESS_LOGS_FILE have the key of a witness: it takes those of logs")
    return keys


def witness_state(settings: WitnessSettings) -> WitnessState:
    """Return what it remembers. Raises ProcessFailed.

    It is never made here: a witness that has forgotten what it signed would sign another history.
    """
    file = settings.state_file
    if file is None:
        raise WrongSetting("WITNESS_STATE_FILE is not set: where does it keep what it has signed?")
    if not file.exists():
        raise WrongSetting(
            f"WITNESS_STATE_FILE {file} is not there. It comes with a new key: paystream witness new-key NAME FILE. If "
            "it was lost, this witness would sign any history: make a new key, and tell the auditors"
        )
    state = WitnessState(file)
    try:
        state.check()
    except StateUnusable as error:
        raise ProcessFailed(f"WITNESS_STATE_FILE: {error}") from None
    return state


SERVICE = Service(name=NAME, settings=WitnessSettings, serve=serve, serves_http=True)
