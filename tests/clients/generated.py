"""Generates the clients of both APIs from the published documents, and runs the program that uses them."""

import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.clients import toolbox
from tests.clients.toolbox import run
from tests.support.exported_schemas import EXPORTED

PROGRAMS = Path(__file__).parent / "programs"
APIS = ("command", "query")

Environment = Mapping[str, str]


def document(api: str) -> Path:
    """Return the published document of an API."""
    return EXPORTED / "openapi" / f"{api}-api.json"


async def openapi_python_client(folder: Path, environment: Environment) -> str:
    python = await toolbox.python()
    package = folder / "generated"
    package.mkdir()
    for api in APIS:
        options = ("--path", document(api), "--output-path", package / api, "--meta", "none")
        said = await run(python, "-m", "openapi_python_client", "generate", *options, cwd=folder)
        assert "Unable" not in said, said
    return await _run_python(python, "openapi_python_client.py", folder, environment)


async def openapi_generator_python(folder: Path, environment: Environment) -> str:
    for api in APIS:
        await _openapi_generator(api, "python", folder, "--package-name", f"generated_{api}")
    return await _run_python(await toolbox.python(), "openapi_generator.py", folder, environment)


async def openapi_generator_go(folder: Path, environment: Environment) -> str:
    for api in APIS:
        await _openapi_generator(api, "go", folder / api, "--package-name", api)
        shutil.rmtree(folder / api / "test")  # of the generator's own
        for module in folder.joinpath(api).glob("go.*"):
            module.unlink()
    folder.joinpath("go.mod").write_text("module paystream.test/clients\n\ngo 1.23\n", "utf-8")
    shutil.copy(PROGRAMS / "main.go", folder)
    await run("go", "mod", "tidy", cwd=folder)
    await run("go", "vet", "./...", cwd=folder)
    await run("go", "build", "-o", "program", ".", cwd=folder)
    return await run(folder / "program", cwd=folder, environment=environment)


async def openapi_generator_java(folder: Path, environment: Environment) -> str:
    for api in APIS:
        base = f"paystream.{api}"
        names = ("--invoker-package", base, "--api-package", f"{base}.api", "--model-package", f"{base}.model")
        await _openapi_generator(api, "java", folder, *names)
    shutil.rmtree(folder / "src" / "test")
    shutil.copy(PROGRAMS / "Main.java", folder / "src" / "main" / "java")
    maven = ("mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", "-Djava.version=11")
    await run(*maven, "compile", "dependency:build-classpath", "-Dmdep.outputFile=classpath", cwd=folder)
    classpath = f"target/classes:{(folder / 'classpath').read_text('utf-8').strip()}"
    return await run("java", "-cp", classpath, "Main", cwd=folder, environment=environment)


async def openapi_typescript(folder: Path, environment: Environment) -> str:
    modules = await toolbox.node_modules()
    folder.joinpath("node_modules").symlink_to(modules)
    folder.joinpath("package.json").write_text('{"type": "module"}\n', "utf-8")
    shutil.copy(PROGRAMS / "client.ts", folder)
    for api in APIS:
        await run(modules / ".bin" / "openapi-typescript", document(api), "-o", f"{api}.ts", cwd=folder)
    options = (
        "--strict",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--types",
        "node",
        "--noUncheckedIndexedAccess",
    )
    await run(modules / ".bin" / "tsc", *options, "--outDir", "built", "client.ts", cwd=folder)
    return await run("node", "built/client.js", cwd=folder, environment=environment)


CLIENTS: Mapping[str, Callable[[Path, Environment], Awaitable[str]]] = {
    "openapi-python-client": openapi_python_client,
    "openapi-typescript": openapi_typescript,
    "openapi-generator for Python": openapi_generator_python,
    "openapi-generator for Go": openapi_generator_go,
    "openapi-generator for Java": openapi_generator_java,
}
"""Makes the clients in an empty folder and returns what the program prints, by the generator's name."""


async def _openapi_generator(api: str, language: str, output: Path, *options: str) -> None:
    jar = await toolbox.generator()
    await run(
        "java", "-jar", jar, "generate", "-i", document(api), "-g", language, "-o", output, *options, cwd=output.parent
    )


async def _run_python(python: Path, program: str, folder: Path, environment: Environment) -> str:
    shutil.copy(PROGRAMS / program, folder)
    return await run(python, "-W", "error", program, cwd=folder, environment=environment)
