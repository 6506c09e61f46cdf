"""The command as a process of its own, with a program in the bot's place."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from sandbox import run
from sandbox.nomad.server import SimulatedNomad
from tests.gateways.nomad.worlds import a_service

PROGRAM = """
import http.server, os, signal, sys
if sys.argv[1] == "migrate":
    sys.exit(int(os.environ["PORT"]) * 0 + {status})
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\\n".join(f"{{n}}={{v}}" for n, v in os.environ.items()).encode())
    def log_message(self, *_): pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("the bot is up", flush=True)
http.server.HTTPServer((os.environ["NOMATRON_HOST"], int(os.environ["PORT"])), Ready).serve_forever()
"""
ROOT = Path(run.__file__).parents[1]


def put_program(folder: Path, status: int = 0) -> None:
    (folder / "bot").mkdir(parents=True)
    (folder / "bot" / "__init__.py").touch()
    (folder / "bot" / "__main__.py").write_text(PROGRAM.format(status=status))


class Started:
    """A running sandbox."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.line: dict = {}

    async def read(self) -> dict:
        assert self.process.stdout
        self.line = json.loads(await asyncio.wait_for(self.process.stdout.readline(), 30))
        return self.line

    async def end(self, number: int = signal.SIGTERM) -> int | None:
        if self.process.returncode is None:
            self.process.send_signal(number)
        await asyncio.wait_for(self.process.communicate(), 30)
        return self.process.returncode


@pytest.fixture
async def start():
    started: list[Started] = []

    async def start(*options: str, **environment: str) -> Started:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "sandbox", *options),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(Started(process))
        return started[-1]

    yield start
    for one in started:
        await one.end()


def addresses(catalog: str) -> list[str]:
    return re.findall(r"http://[\d.:]+", Path(catalog, "nomatron.yaml").read_text())


def is_there(path: str) -> bool:
    return Path(path).exists()


async def fetch(address: str, status: int = 200) -> str:
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        assert answer.status == status
        return await answer.text()


async def test_without_bot_both_simulators_and_the_page_are_there(start):
    sandbox = await start("--no-bot", "--json", "--port", "0")
    line = await sandbox.read()
    assert set(line) == {"page", "slack", "nomad", "bot", "catalog", "data", "seconds"}
    assert "Nomatron sandbox" in await fetch(line["page"])
    assert json.loads(await fetch(f"{line['slack']}/sandbox/state"))["people"][0]["real_name"] == "Alice"
    assert json.loads(await fetch(f"{line['nomad']}/sandbox/state"))["jobs"] == []
    assert json.loads(await fetch(f"{line['page']}/sandbox/bot"))["absent"]
    assert line["nomad"] in (Path(line["catalog"]) / "nomatron.yaml").read_text()
    assert line["seconds"] >= 0


async def test_sigterm_ends_it_with_0_and_takes_its_folder_along(start):
    sandbox = await start("--no-bot", "--json", "--port", "0")
    data = (await sandbox.read())["data"]
    assert is_there(data)
    assert await sandbox.end() == 0
    assert not is_there(data)


async def test_sigint_too_and_a_folder_of_ones_own_stays(start, tmp_path):
    sandbox = await start("--no-bot", "--json", "--port", "0", "--data", str(tmp_path / "mine"))
    assert (await sandbox.read())["data"] == str(tmp_path / "mine")
    assert await sandbox.end(signal.SIGINT) == 0
    assert (tmp_path / "mine" / "catalog" / "nomatron.yaml").exists()


async def test_a_busy_port_gives_the_next_free_one(start):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        sandbox = await start("--no-bot", "--json", "--port", str(port))
        page = (await sandbox.read())["page"]
    assert port < int(page.rsplit(":", 1)[1]) < port + 100


async def test_the_bot_is_set_up_as_a_real_one(start, tmp_path):
    put_program(tmp_path)
    secrets = {"SLACK_SIGNING_SECRET": "given-secret", "SLACK_BOT_TOKEN": "xoxb-given"}
    sandbox = await start("--json", "--no-seed", "--port", "0", "--data", str(tmp_path), **secrets)
    line = await sandbox.read()
    settings = dict(
        entry.split("=", 1) for entry in (await fetch(f"{line['bot']}/readyz")).splitlines() if "=" in entry
    )
    assert settings["SLACK_BOT_TOKEN"] == "xoxb-given"
    assert settings["SLACK_SIGNING_SECRET"] == "given-secret"
    assert settings["SLACK_API_URL"] == f"{line['slack']}/api/"
    assert settings["NOMATRON_CATALOG"] == line["catalog"]
    assert settings["NOMATRON_DATABASE_URL"] == f"sqlite+aiosqlite:///{tmp_path}/nomatron.db"
    assert settings["NOMAD_TOKEN_SANDBOX"]
    assert f"http://{settings['NOMATRON_HOST']}:{settings['PORT']}" == line["bot"]


async def test_the_page_kills_the_bot_and_starts_it_again(start, tmp_path):
    put_program(tmp_path)
    sandbox = await start("--json", "--no-seed", "--port", "0", "--data", str(tmp_path))
    address = f"{(await sandbox.read())['page']}/sandbox/bot"
    async with aiohttp.ClientSession() as session:
        first = await (await session.get(address)).json()
        assert first["running"]
        assert "the bot is up" in first["log"]
        killed = await (await session.post(address, json={"do": "kill"})).json()
        assert (killed["running"], killed["exit"]) == (False, -9)
        again = await (await session.post(address, json={"do": "start"})).json()
        assert (again["running"], again["restarts"]) == (True, 1)
        ended = await (await session.post(address, json={"do": "term"})).json()
        assert not ended["running"]
    assert await sandbox.end() == 0


async def test_ending_the_sandbox_ends_its_child(start, tmp_path):
    put_program(tmp_path)
    sandbox = await start("--json", "--no-seed", "--port", "0", "--data", str(tmp_path))
    pid = json.loads(await fetch(f"{(await sandbox.read())['page']}/sandbox/bot"))["pid"]
    assert await sandbox.end() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_bot_that_cannot_start_is_told_to_programs(start, tmp_path):
    put_program(tmp_path, status=3)
    sandbox = await start("--json", "--port", "0", "--data", str(tmp_path))
    output, errors = await asyncio.wait_for(sandbox.process.communicate(), 30)
    assert (sandbox.process.returncode, output) == (1, b"")
    assert b"nomatron migrate ended with status 3" in errors


@pytest.mark.parametrize("which", ["nomad", "slack"])
async def test_a_simulator_alone(start, which):
    sandbox = await start(which, "--json", "--port", "0")
    address = (await sandbox.read())[which]
    assert json.loads(await fetch(f"{address}/sandbox/state"))
    assert await sandbox.end() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speed", "0"], "--speed must be more than 0"),
        (["--port", "-1"], "--port must be from 0"),
        (["--port", "65536"], "--port must be from 0"),
        (["consul"], "invalid choice: 'consul'"),
        (["--nomad", "127.0.0.1:4646"], "--nomad must be the address of an agent"),
        (["--nomad", "http://127.0.0.1:4646/ui"], "--nomad must be the address of an agent"),
        (["--nomad", "http://bob:secret@127.0.0.1:4646"], "put an ACL token in NOMAD_TOKEN"),
        (["--nomad", "http://127.0.0.1:4646", "--speed", "5"], "--speed cannot be used with --nomad"),
        (["nomad", "--nomad", "http://127.0.0.1:4646"], "--nomad cannot be used with `nomad`"),
    ],
)
def test_options_that_make_no_sense_are_refused(capsys, words, said):
    with pytest.raises(SystemExit):
        run.read_options(words)
    assert said in capsys.readouterr().err


async def test_two_sandboxes_do_not_share_a_folder(start, tmp_path):
    first = await start("--no-bot", "--json", "--port", "0", "--data", str(tmp_path))
    catalog = (await first.read())["catalog"]
    before = addresses(catalog)
    second = await start("--no-bot", "--json", "--port", "0", "--data", str(tmp_path))
    _, errors = await asyncio.wait_for(second.process.communicate(), 30)
    assert second.process.returncode == 1
    assert b"another sandbox uses" in errors
    assert addresses(catalog) == before
    await first.end()
    third = await start("--no-bot", "--json", "--port", "0", "--data", str(tmp_path))
    assert await third.read()


async def test_an_agent_of_somebodys_is_used_and_left_as_it_was(start, tmp_path):
    put_program(tmp_path)
    nomad = SimulatedNomad()
    address = await nomad.start()
    options = ("--json", "--no-seed", "--port", "0", "--data", str(tmp_path), "--nomad", address)
    sandbox = await start(*options, NOMAD_TOKEN="0c8a4f2e-aaaa-bbbb-cccc-444455556666")
    line = await sandbox.read()
    assert line["nomad"] == address
    assert "NOMAD_TOKEN_SANDBOX=0c8a4f2e-aaaa-bbbb-cccc-444455556666" in await fetch(f"{line['bot']}/readyz")
    assert json.loads(await fetch(f"{line['page']}/nomad/state"))["agent"]["address"] == address
    async with aiohttp.ClientSession() as session:
        job = a_service("checkout")
        async with session.post(f"{address}/v1/jobs", params={"namespace": "apps"}, json={"Job": job}) as answer:
            assert answer.status == 200
    assert await sandbox.end() == 0
    assert json.loads(await fetch(f"{address}/sandbox/state"))["jobs"] == []
    await nomad.stop()


async def test_an_agent_that_is_not_there_is_told(start):
    sandbox = await start("--no-bot", "--json", "--port", "0", "--nomad", "http://127.0.0.1:1")
    output, errors = await asyncio.wait_for(sandbox.process.communicate(), 30)
    assert (sandbox.process.returncode, output) == (1, b"")
    assert b"nomatron sandbox: Nomad at http://127.0.0.1:1 does not answer" in errors
