"""The generators and compilers that the clients are checked with: what is on the machine, and what is fetched once.

What is fetched lies in the user's cache folder, under a name made of what is pinned in `tools/` and here.
"""

import asyncio
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from infra.embedded.environment import user_cache, user_environment

TOOLS = Path(__file__).parent / "tools"
PROOFS = Path(__file__).parent / "programs" / "proofs"
"""A program in Go that verifies the log's proofs with the code of others."""
WITNESS = Path(__file__).parent / "programs" / "witness"
"""Pins a witness of others, in Go: https://pkg.go.dev/filippo.io/torchwood/cmd/litewitness."""
LITEWITNESS = "filippo.io/torchwood/cmd/litewitness"
GENERATOR = "org.openapitools:openapi-generator-cli:7.25.0"
GENERATOR_SHA256 = "41ce4f6b07f196676439d710759fa1ced7a08066d06ff1bf314681470289efae"
JAR = "openapi-generator-cli.jar"

NEEDS: Mapping[str, tuple[str, ...]] = {
    "openapi-python-client": (),
    "openapi-generator for Python": ("java", "mvn"),
    "openapi-generator for Go": ("java", "mvn", "go"),
    "openapi-generator for Java": ("java", "mvn", "javac"),
    "openapi-typescript": ("node", "npm"),
    "Spectral": ("node", "npm"),
    "Redocly": ("node", "npm"),
    "/docs in a browser": ("node", "npm", "chromium"),
    "proofs of the log": ("go",),
    "a witness of others": ("go", "ssh-agent", "ssh-add", "ssh-keygen"),
}
"""The programs that have to be on the machine, by what is checked."""

_LIMIT_S = 300


class CommandFailed(Exception):
    """A program ended with an error, or not at all; the text has all that it said, after a line with its name."""


def missing(checked: str) -> list[str]:
    """Return which of the programs for a check are not on this machine."""
    return [program for program in NEEDS[checked] if _found(program) is None]


async def run(*argv: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """Return what a program prints. Raises CommandFailed."""
    program = _found(str(argv[0])) or str(argv[0])
    process = await asyncio.create_subprocess_exec(
        program,
        *(str(each) for each in argv[1:]),
        cwd=cwd,
        env={**user_environment(), "NO_COLOR": "1", **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    command = " ".join(Path(str(each)).name for each in argv)
    try:
        said, errors = await asyncio.wait_for(process.communicate(), _LIMIT_S)
    except TimeoutError:
        raise CommandFailed(f"{command} did not end within {_LIMIT_S} s") from None
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise CommandFailed(f"{command} failed ({process.returncode})\n{said.decode()}\n{errors.decode()}")
    return said.decode()


async def fetch(checked: str) -> str | None:
    """Fetch what a check needs; return why it cannot be had, in a line, or None."""
    needs = {"java": generator, "node": node_modules}
    needed = [make for program, make in needs.items() if program in NEEDS[checked]]
    if checked in ("proofs of the log", "a witness of others"):
        needed = [proof_checker if checked == "proofs of the log" else litewitness]
    try:
        for make in needed if checked != "openapi-generator for Python" else [*needed, python]:
            await make()
        if not needed:
            await python()
    except CommandFailed as error:
        return str(error).splitlines()[0]
    return None


async def python() -> Path:
    """Return the interpreter of an environment with openapi-python-client and what generated clients import."""

    async def make(folder: Path) -> None:
        await run(sys.executable, "-m", "venv", folder, cwd=TOOLS)
        pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        await run(*pip, "--require-hashes", "--requirement", TOOLS / "requirements.txt", cwd=TOOLS)

    folder = await _once("clients-python", _digest("requirements.txt"), make, movable=False)
    return folder / "bin" / "python"


async def node_modules() -> Path:
    """Return the folder of the npm packages."""

    async def make(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(TOOLS / name, folder)
        await run("npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)

    return await _once("clients-node", _digest("package.json", "package-lock.json"), make) / "node_modules"


async def generator() -> Path:
    """Return openapi-generator's jar, checked against its digest."""

    async def make(folder: Path) -> None:
        copied = (f"-Dartifact={GENERATOR}", f"-DoutputDirectory={folder}", "-Dmdep.stripVersion=true")
        await run("mvn", "--batch-mode", "--quiet", "dependency:copy", *copied, cwd=folder)
        found = hashlib.sha256((folder / JAR).read_bytes()).hexdigest()
        assert found == GENERATOR_SHA256, f"{JAR} is not what is pinned: {found}"

    return await _once("clients-generator", GENERATOR_SHA256, make) / JAR


async def proof_checker() -> Path:
    """Return the program that verifies proofs; go.sum has the digests of what it is built from."""

    return await _built_by_go("proofs", ".", PROOFS)


async def litewitness() -> Path:
    """Return a witness that others wrote; go.sum has the digests of what it is built from."""
    return await _built_by_go("litewitness", LITEWITNESS, WITNESS)


async def _built_by_go(name: str, package: str, where: Path) -> Path:
    async def make(folder: Path) -> None:
        await run("go", "build", "-trimpath", "-o", folder / name, package, cwd=where)

    return await _once(f"clients-{name}", _digest_of(where), make) / name


def _digest_of(folder: Path) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(folder.iterdir()))).hexdigest()


async def _once(name: str, pinned: str, make: Callable[[Path], Awaitable[None]], *, movable: bool = True) -> Path:
    """Return the folder that `make` has filled: whole, or not there."""
    folder = user_cache() / "paystream" / f"{name}-{pinned[:12]}"
    done = folder / ".whole"
    if done.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    if movable:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as made:
            work = Path(made) / "work"
            work.mkdir()
            await make(work)
            shutil.rmtree(folder, ignore_errors=True)
            work.rename(folder)
    else:  # it knows its own path
        shutil.rmtree(folder, ignore_errors=True)
        await make(folder)
    done.touch()
    return folder


def _digest(*names: str) -> str:
    content = (*(TOOLS.joinpath(name).read_bytes() for name in names), sys.version.encode())
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def find(program: str) -> str:
    """Return where a program is that is on this machine."""
    found = _found(program)
    assert found is not None, program
    return found


def _found(program: str) -> str | None:
    """Return where a program is; Go is often where its own installer puts it, and not on the path."""
    usual = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/go/bin"))
    return shutil.which(program, path=usual)
