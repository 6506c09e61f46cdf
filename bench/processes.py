"""The programs that benches compare: the bot as its users run it, and Bolt as its documentation shows it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

import aiohttp

from bench.around import JOBSPEC, free_port
from bench.slack import SECRET, TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PEOPLE: Final = tuple(f"U0PERSON{number:03}" for number in range(400))
"""Those who may request: many, because there are limits for a person."""
APPROVER: Final = "U0APPROVER1"
_HOST: Final = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}


def write_catalog(folder: Path, nomad: str, services: int) -> None:
    """A catalog with one environment, and one rule that one person fills; each service has its own channel."""
    environment = {
        "name": "production", "cluster": "one", "namespace": "default", "channel": "C0STAGING1",
        "approvals": [{"from": "approvers", "count": 1}],
    }  # fmt: skip
    document = {
        "timezone": "UTC",
        "groups": {"people": {"users": [*PEOPLE]}, "approvers": {"users": [APPROVER]}},
        "roles": [{"group": "people", "may": ["request"]}],
        "clusters": {"one": {"address": nomad}},
        "environments": [environment],
        "templates": {"web": {"file": "web.nomad.hcl"}},
        "services": [
            {
                "name": f"web-{number}", "template": "web", "version_variable": "version",
                "environments": {"production": {"channel": f"C0CHANNEL{number:02}"}},
            }
            for number in range(services)
        ],
    }  # fmt: skip
    folder.mkdir()
    (folder / "web.nomad.hcl").write_text(JOBSPEC)
    # JSON is YAML
    (folder / "nomatron.yaml").write_text(json.dumps(document))


@dataclass
class Bot:
    """A running ``nomatron run``."""

    url: str
    database: Path
    pid: int
    ready_after: float
    environment: dict[str, str]

    @property
    def memory(self) -> float:
        """Its resident memory in MB."""
        return _status(self.pid, "VmRSS") / 1024

    @property
    def used(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


@asynccontextmanager
async def running_bot(folder: Path, slack: str, nomad: str, services: int = 20) -> AsyncIterator[Bot]:
    """``nomatron run`` in a folder of its own, as soon as it is ready."""
    write_catalog(folder / "catalog", nomad, services)
    port = free_port()
    environment = {
        **_HOST, "SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": f"{slack}/api/",
        "NOMATRON_CATALOG": str(folder / "catalog"), "NOMATRON_DATABASE_URL": f"sqlite:///{folder / 'nomatron.db'}",
        "PORT": str(port),
    }  # fmt: skip
    program = [sys.executable, "-m", "bot"]
    migrating = await asyncio.create_subprocess_exec(
        *program, "migrate", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    if await migrating.wait():
        raise RuntimeError("`nomatron migrate` failed")
    began = perf_counter()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*program, "run", env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            await _until_ready(f"{url}/readyz", process)
            yield Bot(url, folder / "nomatron.db", process.pid, perf_counter() - began, environment)
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def running_bolt(folder: Path, listeners: int) -> AsyncIterator[str]:
    """The address of a Bolt app with so many listeners, each of which makes one commit."""
    port = free_port()
    program = [sys.executable, "-m", "bench.bolt", str(port), str(folder / "bolt.db"), str(listeners)]
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.DEVNULL)
    try:
        await _until_ready(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _until_ready(url: str, process: asyncio.subprocess.Process) -> None:
    async with aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(url) as answer:
                    if answer.status in {200, 404}:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.02)
    raise RuntimeError(f"it ended with {process.returncode} before it answered at {url}")
