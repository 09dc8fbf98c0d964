"""Fetches Kafka's programs with Maven, once, into the user's cache folder.

What is fetched is pinned twice: by version in `infra/kafka/server/pom.xml`, by content in `jars.sha256` beside it.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.embedded.apache_kafka.java import find_java
from infra.embedded.child_process import ChildProcess, Command
from infra.embedded.environment import user_cache, user_environment
from infra.embedded.errors import JarsAltered, JarsMissing, JavaMissing
from infra.embedded.reports import Reporter, StepBegan, StepDone, silent

SERVER = Path(__file__).parents[2] / "kafka" / "server"
VERSION = "4.4.0"
_LABEL = "Apache Kafka"
_FETCH_WITHIN_S = 600.0
_LOOK_AGAIN_S = 0.2


def available() -> str | None:
    """Return why Apache Kafka cannot be run here, in a sentence for people; None when it can."""
    try:
        find_java()
        if not jars_folder().exists():
            _find_maven()
    except (JavaMissing, JarsMissing) as error:
        return str(error)
    return None


def jars_folder() -> Path:
    """Return where the jars are once they were fetched: another folder whenever what is pinned changes."""
    pinned = hashlib.sha256(b"".join((SERVER / name).read_bytes() for name in ("pom.xml", "jars.sha256")))
    return user_cache() / "paystream" / f"kafka-{VERSION}-{pinned.hexdigest()[:12]}"


async def ensure_jars(report: Reporter = silent) -> Path:
    """Return the folder with the jars, fetching them when they are not there (half a minute, 43 MB).

    Raises JarsMissing when there is no Maven or it fails, JarsAltered when what it brings is not what is pinned.
    """
    folder = jars_folder()
    if folder.exists():
        return folder
    maven = _find_maven()
    began = time.monotonic()
    report(StepBegan(label=_LABEL, what=f"fetching version {VERSION} with Maven, once: about 43 MB ..."))
    folder.parent.mkdir(parents=True, exist_ok=True)
    async with _alone(folder.parent / f"{folder.name}.lock"):
        if not folder.exists():
            await _fetch(maven, folder)
    report(StepDone(label=_LABEL, outcome="fetched", seconds=time.monotonic() - began))
    return folder


async def _fetch(maven: str, folder: Path) -> None:
    """Let Maven fill a folder beside `folder`, check it, and put it into place: it is there whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as made:
        work = Path(made)
        shutil.copy(SERVER / "pom.xml", work)
        await _run_maven(maven, work)
        _check(work / "jars")
        (work / "jars").rename(folder)


async def _run_maven(maven: str, work: Path) -> None:
    options = ("--batch-mode", "--quiet", "-Dstyle.color=never")
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={work / 'jars'}")
    command = Command(argv=(maven, *options, *goal), env=user_environment(), cwd=work)
    child = ChildProcess(command, log=work / "maven.log", pid_file=work / "maven.pid")
    try:
        if not await child.ended(_FETCH_WITHIN_S):
            raise JarsMissing(f"Maven has not fetched Apache Kafka within {_FETCH_WITHIN_S:.0f} s. Is there a network?")
        if child.exit_code != 0:
            raise JarsMissing(f"Maven could not fetch Apache Kafka: {_first_error(child.output())}")
    finally:
        await child.end(((signal.SIGTERM, 1.0),) if child.running else ())


def _first_error(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("[ERROR]")), lines[-1] if lines else "it does not say why")
    return said.removeprefix("[ERROR]").strip()


def _check(jars: Path) -> None:
    """Raise JarsAltered unless the folder holds exactly the pinned files."""
    lines = (SERVER / "jars.sha256").read_text(encoding="utf-8").splitlines()
    pinned = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in jars.iterdir()}
    wrong = sorted(name for name in pinned.keys() | found.keys() if pinned.get(name) != found.get(name))
    if wrong:
        listed = ", ".join(wrong)
        raise JarsAltered(
            f"What Maven brought for Apache Kafka is not what {SERVER / 'jars.sha256'} lists: {listed}. A mirror may "
            f"have altered it, or a download is damaged: remove these files from ~/.m2/repository and try again."
        )


@asynccontextmanager
async def _alone(lock: Path) -> AsyncIterator[None]:
    """Keep two starts at the same time from fetching twice."""
    with lock.open("w", encoding="utf-8") as file:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            await asyncio.sleep(_LOOK_AGAIN_S)
        yield


def _find_maven() -> str:
    maven = shutil.which("mvn")
    if maven is None:
        raise JarsMissing(
            "Apache Kafka is fetched with Maven, and there is no mvn in PATH. Install it (Debian, Ubuntu: apt-get "
            "install maven). `paystream up` without `--broker apache` needs none."
        )
    return maven
