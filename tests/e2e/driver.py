"""Drives `nomatron sandbox` as people would: commands typed, buttons clicked, words read. All of it over HTTP."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"
SAM, GUS, NORA = "U0SAM00001", "U0GUS00001", "U0NORA0001"
STAGING, PRODUCTION, OPS, GENERAL = "C0STAGING1", "C0PROD0001", "C0OPS00001", "C0GENERAL1"
AUDIT = "C0AUDIT001"

BOOKKEEPING = {"due_at", "worker", "taken_at", "held_until", "fence"}
BUSY = "The database is busy"
SPEED = 200
"""How many times faster than real time the simulated Nomad runs."""
PATIENCE = 90.0
"""Seconds until a test gives up waiting: generous, because nothing here says how fast."""


def straight(catalog: Path) -> None:
    """Take the environments before production out: what is asked for there goes there."""
    edit(catalog / "nomatron.yaml", r"(?m)^    after: .*\n", "")


def hasty(catalog: Path) -> None:
    """Let a release pass in a second: what is shown is that it has to, not for how long."""
    edit(catalog / "nomatron.yaml", r"soak: 10s", "soak: 1s")


def edit(path: Path, pattern: str, by: str) -> None:
    """Replace the one place in a file that looks like that."""
    text, count = re.subn(pattern, by, path.read_text("utf-8"))
    assert count == 1, f"{pattern} is {count} times in {path}"
    path.write_text(text, "utf-8")


@dataclass(frozen=True)
class Message:
    """A deploy's message as a person in its channel sees it."""

    raw: dict[str, Any]
    channel: str

    @property
    def ts(self) -> str:
        return self.raw["ts"]

    @property
    def text(self) -> str:
        return self.raw["text"]

    @property
    def state(self) -> str:
        return self.text.split(":", 1)[0]

    @property
    def whole(self) -> str:
        """Everything that can be read on it."""
        return json.dumps(self.raw["blocks"], ensure_ascii=False)

    @property
    def lines(self) -> list[str]:
        """The lines of its sections."""
        return [line for block in self.raw["blocks"] if "text" in block for line in block["text"]["text"].splitlines()]

    @property
    def confirmation(self) -> str:
        """What Slack asks before Approve counts."""
        (asked,) = [
            element["confirm"]["text"]["text"]
            for block in self.raw["blocks"]
            for element in block.get("elements", ())
            if element.get("action_id") == "deploy.approve"
        ]
        return asked

    @property
    def thread(self) -> str:
        """Everything that can be read in its thread."""
        return "\n".join(
            f"{reply['text']} {json.dumps(reply['blocks'], ensure_ascii=False)}" for reply in self.raw["replies"]
        )

    @property
    def actions(self) -> set[str]:
        """The action ids of what can be clicked."""
        return {
            element["action_id"]
            for block in self.raw["blocks"]
            for element in [*block.get("elements", ()), block.get("accessory", {})]
            if isinstance(element, dict) and "action_id" in element
        }


class Sandbox:
    """A running sandbox; its simulators' control interfaces are in docs/sandbox.md."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        environment: dict[str, str] | None = None,
        change: Callable[[Path], None] | None = None,
    ) -> None:
        """Start it; ``change`` is given the catalog's folder before, a copy of the shipped one."""
        self.folder = folder
        if change:
            shutil.copytree(ROOT / "examples" / "catalog", folder / "data" / "catalog")
            change(folder / "data" / "catalog")
        # a real Nomad keeps its own time
        pace = () if "--nomad" in options else ("--speed", str(SPEED))
        command = [sys.executable, "-m", "bot", "sandbox", "--json", "--no-browser", "--port", "0"]
        self._log = (folder / "sandbox.log").open("wb")
        self.process = subprocess.Popen(
            [*command, "--data", str(folder / "data"), *pace, *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **(environment or {})},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the sandbox ended: {(folder / 'sandbox.log').read_text()[-3000:]}"
        self.about: dict[str, Any] = json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, problem: type[BaseException] | None, *_: object) -> None:
        status = self.stop()
        # what ends well for a service manager is asked of every sandbox, whatever was done with it
        assert problem or status == 0, f"the sandbox ended with status {status}"

    def stop(self) -> int:
        """End it as a service manager would; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if self.process.stdout:
                self.process.stdout.close()
            self._log.close()

    @property
    def database(self) -> Path:
        return Path(self.about["data"]) / "nomatron.db"

    @property
    def catalog(self) -> Path:
        return Path(self.about["catalog"])

    # --- the wire ----------------------------------------------------------------------------------------------------

    def get(self, part: str, path: str, **params: str) -> Any:
        answer = requests.get(f"{self.about[part]}{path}", params=params, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, part: str, path: str, body: dict[str, Any]) -> Any:
        answer = requests.post(f"{self.about[part]}{path}", json=body, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def seeded(self) -> Sandbox:
        """Wait until checkout v1.4.1 runs in both environments."""
        self.until(lambda: self._seed() == "done", "the seed")
        return self

    def _seed(self) -> str:
        seed = self.get("page", "/sandbox/seed")
        assert seed["state"] != "failed", seed
        return seed["state"]

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Whatever ``holds`` gives once it is true; fails with ``what`` and the bot's last lines otherwise."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < PATIENCE:
            found = holds()
            if found:
                return found
            # to look costs the sandbox as much as to act: what takes long is looked at less often
            time.sleep(min(0.05 + waited / 20, 0.5))
        lines = "\n".join(map(str, self.get("page", "/sandbox/bot")["log"][-15:]))
        raise AssertionError(f"waited {PATIENCE:.0f} s for {what}\n{lines}")

    def apply(self) -> str:
        """``nomatron apply`` of the sandbox's catalog folder, as its operator would; what it printed."""
        done = self.command("apply")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One of the short commands, run beside the bot on its database."""
        settings = {
            "NOMATRON_CATALOG": str(self.catalog),
            "NOMATRON_DATABASE_URL": f"sqlite+aiosqlite:///{self.database}",
        }
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=ROOT,
            env={**os.environ, **settings, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    # --- people ------------------------------------------------------------------------------------------------------

    def type(self, user: str, text: str, channel: str = GENERAL) -> str:
        """Type a command; what the person is told, at once or a little later."""
        before = {each["id"] for each in self.privately(user)}
        sent = self.post(
            "slack", "/sandbox/command", {"user": user, "channel": channel, "command": "/deploy", "text": text}
        )
        assert sent["error"] is None, sent
        assert sent["status"] == 200, sent
        body = sent["body"]
        told = body if isinstance(body, dict) else json.loads(body or "{}")
        if not told:

            def later() -> list[dict[str, Any]]:
                return [each for each in self.privately(user) if each["id"] not in before]

            told = self.until(later, f"an answer to {text}")[-1]
        return f"{told.get('text', '')}\n{json.dumps(told.get('blocks', []), ensure_ascii=False)}"

    def ask(self, user: str, text: str) -> str:
        """Ask for a deploy, and again while the database is busy, as people are told to; its number."""

        def number() -> str | None:
            told = self.type(user, text)
            found = [word.strip("`.,:*") for word in told.split() if word.strip("`.,:*").startswith("D-")]
            assert found or BUSY in told, told
            return found[0] if found else None

        asked: str = self.until(number, f"{text} to be taken")
        return asked

    def click(
        self, user: str, message: Message, action: str = "deploy.approve", *, stale: bool = False, **more: Any
    ) -> str:
        """Click; what the person alone is told."""
        before = {each["id"] for each in self.privately(user)}
        body = {"user": user, "channel": message.channel, "ts": message.ts, "action_id": action, "stale": stale, **more}
        sent = self.post("slack", "/sandbox/action", body)
        assert sent["status"] == 200, sent

        def told() -> str:
            return "\n".join(each["text"] for each in self.privately(user) if each["id"] not in before)

        return self.until(told, f"an answer to {user}'s click on {action}")

    def fill(self, user: str, message: Message, action: str, **values: str) -> dict[str, Any]:
        """Click what opens a form and send that in, filled by the names of its blocks; what Slack was answered."""
        body = {"user": user, "channel": message.channel, "ts": message.ts, "action_id": action}
        assert self.post("slack", "/sandbox/action", body)["status"] == 200

        def opened() -> list[dict[str, Any]]:
            return self.get("slack", "/sandbox/state", **{"as": user})["views"]

        view = self.until(opened, f"the form of {action}")[-1]
        filled = {block: {"text": value} for block, value in values.items()}
        return self.post("slack", "/sandbox/submit", {"user": user, "view": view["id"], "values": filled})

    def promoted(self, user: str, deploy: str, reason: str) -> str:
        """Have a person promote a deploy by its button once it is there; the number of what was asked for so."""
        self.until(lambda: "deploy.promote" in self.card(deploy).actions, "the button Promote…")
        answer = self.fill(user, self.card(deploy), "deploy.promote", reason=reason)
        assert "response_action" not in str(answer["body"]), answer
        return f"D-{int(deploy.removeprefix('D-')) + 1}"

    def privately(self, user: str) -> list[dict[str, Any]]:
        """What only this person sees."""
        return self.get("slack", "/sandbox/state", **{"as": user})["ephemerals"]

    def directly(self, user: str) -> list[dict[str, Any]]:
        """The direct messages of this person."""
        return self.get("slack", "/sandbox/state", **{"as": user})["dms"]

    # --- messages ----------------------------------------------------------------------------------------------------

    def messages(self, channel: str) -> list[Message]:
        state = self.get("slack", "/sandbox/state", **{"as": ALICE})
        found = next(each for each in state["channels"] if each["id"] == channel)
        return [Message(raw, channel) for raw in found["messages"] if not raw.get("thread_ts") and not raw["deleted"]]

    def message(self, deploy: str) -> Message | None:
        """The newest message of a deploy, wherever it is."""
        found = [
            message
            for channel in (STAGING, PRODUCTION, OPS, GENERAL)
            for message in self.messages(channel)
            if f"({deploy})" in message.text
        ]
        return found[-1] if found else None

    def card(self, deploy: str) -> Message:
        """The deploy's message, which is there."""
        found = self.message(deploy)
        assert found, f"{deploy} has no message"
        return found

    def reach(self, deploy: str, state: str) -> Message:
        """The deploy's message once it says that state."""
        seen = ""

        def there() -> Message | None:
            nonlocal seen
            message = self.message(deploy)
            seen = message.text if message else "no message"
            return message if message and message.state == state else None

        try:
            found: Message = self.until(there, f"{deploy} to be {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}\nlast seen: {seen}") from error
        return found

    def approved(self, deploy: str, *people: str) -> None:
        """Have people approve a production deploy by its button."""
        message = self.reach(deploy, "Approval needed")
        for person in people or (BOB, SAM):
            self.until(partial(self._counts, person, message), f"{person}'s approval of {deploy}")

    def _counts(self, person: str, message: Message) -> bool:
        told = self.click(person, message)
        assert "counts" in told or BUSY in told, told
        return "counts" in told

    # --- the other side ----------------------------------------------------------------------------------------------

    def job(self, namespace: str, job: str) -> dict[str, Any] | None:
        jobs = self.get("page", "/nomad/state")["jobs"]
        return next((each for each in jobs if (each["namespace"], each["id"]) == (namespace, job)), None)

    def versions(self, namespace: str, job: str) -> list[dict[str, Any]]:
        """The job's versions, newest first."""
        found = self.job(namespace, job)
        return found["versions"] if found else []

    def made_by(self, deploy: str) -> list[int]:
        """The versions of any job whose submission carries the deploy's stamp, without those that inherited it."""
        return [
            register["version"]
            for register in self.get("nomad", "/sandbox/registers")
            if register["applied"] and f"nomatron {deploy} " in (register["submission_first_line"] or "")
        ]

    def kill(self) -> None:
        """kill -9 the bot."""
        self.post("page", "/sandbox/bot", {"do": "kill"})

    def start(self) -> None:
        """Start it again and wait until it is ready."""
        self.post("page", "/sandbox/bot", {"do": "start"})
        self.until(self.is_ready, "the bot to be ready")

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.about['bot']}/readyz", timeout=10).status_code == 200
        except requests.ConnectionError:
            return False

    def fault(self, method: str, mode: str, **more: Any) -> None:
        """How Slack behaves from now on."""
        self.post("slack", "/sandbox/fault", {"method": method, "mode": mode, **more})

    def value(self, query: str) -> Any:
        """The first column of a query's first row, as the database has it now."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return next(connection.execute(query), (None,))[0]

    def delivered(self) -> None:
        """Wait until every message has been sent: replies may come after the message that they belong to."""
        self.until(lambda: self.rows("outbox") == {"outbox": []}, "an empty outbox")

    def rows(self, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of these tables, as the database has them now, without the columns that tell when to look again."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return {table: _told(connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")) for table in tables}


def _told(found: sqlite3.Cursor) -> list[tuple[Any, ...]]:
    """The rows without what the workers write for themselves, each in its own time."""
    kept = [at for at, (name, *_) in enumerate(found.description) if name not in BOOKKEEPING]
    return [tuple(row[at] for at in kept) for row in found]
