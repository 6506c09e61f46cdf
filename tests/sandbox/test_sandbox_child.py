import asyncio
import socket
from pathlib import Path

import pytest

from sandbox.child import BotChild, ChildFailedError

# A program in the bot's place: it is found first, as the child's working directory holds it.
PROGRAM = """
import http.server, os, signal, sys
verb = sys.argv[1]
print(verb, "has", sorted(name for name in os.environ if name.startswith(("SLACK", "NOMAD", "LEAKED"))), flush=True)
if verb == "migrate":
    sys.exit(int(os.environ.get("NOMAD_EXIT", "0")))
if os.environ.get("NOMAD_DIES"):
    sys.exit("cannot go on")
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(os.environ.get("NOMAD_STATUS", "200")))
        self.end_headers()
        self.wfile.write(b"because")
    def log_message(self, *_): pass
signal.signal(signal.SIGTERM, lambda *_: None if os.environ.get("NOMAD_DEAF") else sys.exit(0))
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def make(tmp_path: Path):
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "__init__.py").touch()
    (tmp_path / "bot" / "__main__.py").write_text(PROGRAM)
    made: list[BotChild] = []

    def make(**settings: str) -> BotChild:
        port = free_port()
        child = BotChild({"PORT": str(port), **settings}, f"http://127.0.0.1:{port}", tmp_path)
        made.append(child)
        return child

    yield make
    for child in made:
        await child.kill()
        await child.end()


async def test_it_runs_and_is_ready(make):
    child = make(SLACK_BOT_TOKEN="xoxb-1")
    await child.start()
    await child.wait_ready(15)
    said = child.describe()
    assert said["running"]
    assert said["pid"]
    assert said["restarts"] == 0
    assert "run has ['SLACK_BOT_TOKEN']" in said["log"]


async def test_it_gets_nothing_of_our_environment(make, monkeypatch):
    monkeypatch.setenv("LEAKED_SECRET", "1")
    monkeypatch.setenv("NOMAD_ADDR", "http://elsewhere")
    child = make()
    await child.command("migrate")
    assert child.tail() == ["[migrate] migrate has []"]


async def test_killed_and_started_again(make):
    child = make()
    await child.start()
    await child.wait_ready(15)
    first = child.describe()["pid"]
    await child.kill()
    assert child.describe()["exit"] == -9
    assert not child.died  # it was asked to
    await child.start()
    await child.wait_ready(15)
    assert child.describe()["restarts"] == 1
    assert child.describe()["pid"] != first


async def test_ended_politely(make):
    child = make()
    await child.start()
    await child.wait_ready(15)
    await child.end()
    assert (child.running, child.last_exit) == (False, 0)


async def test_a_bot_that_ignores_sigterm_is_killed(make):
    child = make(NOMAD_DEAF="1")
    await child.start()
    await child.wait_ready(15)
    await child.end(seconds=0.3)
    assert child.last_exit == -9


async def test_an_error_shows_the_last_lines_of_a_bot_that_ended_by_itself(make):
    child = make(NOMAD_DIES="1")
    changes = []
    child.on_change = lambda: changes.append((child.running, child.died))
    await child.start()
    with pytest.raises(ChildFailedError, match="ended with status 1") as failure:
        await child.wait_ready(15)
    assert "cannot go on" in str(failure.value)
    assert changes == [(True, False), (False, True)]


async def test_a_failing_command_raises_with_its_status(make):
    with pytest.raises(ChildFailedError, match="nomatron migrate ended with status 3"):
        await make(NOMAD_EXIT="3").command("migrate")


async def test_an_error_shows_why_a_bot_is_not_ready(make):
    child = make(NOMAD_STATUS="503")
    await child.start()
    with pytest.raises(ChildFailedError, match=r"not ready after .* \(because\)"):
        await child.wait_ready(1.5)


async def test_the_second_start_does_nothing(make):
    child = make()
    await child.start()
    pid = child.describe()["pid"]
    await child.start()
    assert child.describe()["pid"] == pid
    assert child.restarts == 0


async def test_a_line_without_end_does_not_stop_the_reader(make, tmp_path):
    (tmp_path / "bot" / "__main__.py").write_text("print('x' * 3_000_000)\nprint('after')\n")
    child = make()
    await child.start()
    await asyncio.wait_for(child._read_rest(), 15)
    assert child.last_exit == 0
    assert "after" in child.tail()
