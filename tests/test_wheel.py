"""The wheel: everything that runs is in it, and it runs from an environment of its own, outside the clone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zipfile import ZipFile

import pytest
import requests

from bot import __version__
from tests.source import PACKAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


class Installed(NamedTuple):
    """The sources that the wheel was built from, the wheel, and the environment that it is installed in."""

    sources: Path
    wheel: Path
    environment: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    sources.mkdir()
    # a copy, because building leaves `build` and `*.egg-info` behind, and takes in what an older build left there
    for name in (*PACKAGES, "examples", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", ".*", "ruff.toml")
        shutil.copytree(ROOT / name, sources / name, symlinks=True, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    # the setuptools that is installed here builds it: nothing is fetched
    _pip("wheel", "--no-build-isolation", "--wheel-dir", str(folder), str(sources))
    (wheel,) = folder.glob("*.whl")

    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    _pip("--python", str(python), "install", str(wheel))
    # the libraries come from where the tests run; an editable install of ours there is not followed by this
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    packages = _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    (Path(packages) / "libraries.pth").write_text("\n".join(libraries), "utf-8")
    return Installed(sources, wheel, environment)


def test_the_wheel_has_every_file_of_the_packages_and_no_other(installed: Installed) -> None:
    with ZipFile(installed.wheel) as archive:
        built = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert built == set(_files(installed.sources))
    assert {
        "sandbox/example_catalog/nomatron.yaml",
        "sandbox/example_catalog/templates/web.nomad.hcl",
        "sandbox/pages/index.html",
        "sandbox/pages/main.js",
        "sandbox/pages/base.css",
        "store/migrations/versions/0001_first.py",
    } <= built


def _files(sources: Path) -> Iterator[str]:
    for package in PACKAGES:
        for folder, _, names in os.walk(sources / package, followlinks=True):
            yield from ((Path(folder) / name).relative_to(sources).as_posix() for name in names)


def test_it_runs_outside_the_clone(installed: Installed, tmp_path: Path) -> None:
    nomatron = installed.environment / "bin" / "nomatron"
    python = installed.environment / "bin" / "python"
    imported = _run(python, "-c", "import bot; print(bot.__file__)", cwd=tmp_path)
    assert Path(imported).is_relative_to(installed.environment)
    assert _run(nomatron, "--version", cwd=tmp_path) == f"nomatron {__version__}\n"

    catalog = _catalog_of_a_sandbox(nomatron, tmp_path)

    example = {path.relative_to(ROOT / "examples/catalog") for path in (ROOT / "examples/catalog").rglob("*")}
    assert {path.relative_to(catalog) for path in catalog.rglob("*")} == example
    assert f"{catalog}: no errors" in _run(nomatron, "check", str(catalog), cwd=tmp_path)


def _catalog_of_a_sandbox(nomatron: Path, folder: Path) -> Path:
    """Start the sandbox, open its page, end it; the folder where it put the example catalog."""
    options = ("--json", "--no-browser", "--no-seed", "--port", "0", "--data", str(folder / "data"))
    with (
        (folder / "sandbox.log").open("wb") as log,
        subprocess.Popen(
            [nomatron, "sandbox", *options], cwd=folder, env=_environment(), stdout=subprocess.PIPE, stderr=log
        ) as sandbox,
    ):
        try:
            assert sandbox.stdout is not None
            line = sandbox.stdout.readline()
            assert line, (folder / "sandbox.log").read_text()
            about = json.loads(line)
            page = requests.get(about["page"], timeout=30)
            page.raise_for_status()
            assert "main.js" in page.text
            assert requests.get(f"{about['bot']}/readyz", timeout=30).ok
        finally:
            sandbox.send_signal(signal.SIGTERM)
    assert sandbox.returncode == 0
    return Path(about["catalog"])


def _pip(*words: str) -> None:
    _run(Path(sys.executable), "-m", "pip", "--isolated", *words[:-1], "--no-index", "--no-deps", words[-1])


def _run(program: Path, *words: str, cwd: Path | None = None) -> str:
    ended = subprocess.run(
        [program, *words], cwd=cwd, env=_environment(), capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def _environment() -> dict[str, str]:
    """Ours, without what would make Python look into the clone, or measure coverage in another environment."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
