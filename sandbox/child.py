"""Runs the bot as a child process of the sandbox: sets it up, starts it, stops it and kills it, as on a real machine.

The child gets its own environment with the settings that docs/install.md names, and nothing else from us. So whatever
works here also works with a real workspace and a real cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TAIL = 400
LINE = 1000
END_SECONDS = 30.0
"""Longer than the bot ever needs to stop by itself, so that only a broken bot is killed."""
READY_SECONDS = 60.0
# The variables that any program needs from its system; the child gets nothing else of our own environment.
_SYSTEM = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "SSL_CERT_FILE")
_SOURCE = Path(__file__).resolve().parents[1]


class ChildFailedError(Exception):
    """A command of the bot failed or ended too early; `lines` are the last lines that it wrote."""

    def __init__(self, problem: str, lines: list[str]) -> None:
        super().__init__("\n  ".join([problem, *lines[-15:]]))
        self.lines = lines


class BotChild:
    """The bot's process, at most one at a time, and the last lines of its output.

    Args:
        settings: the environment variables that the bot reads (names as in docs/install.md).
        base: where it will listen, such as `http://127.0.0.1:3000`.
        folder: its working directory.
        on_change: called each time the process has started or ended.
    """

    def __init__(
        self, settings: Mapping[str, str], base: str, folder: Path, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self.base = base
        self.restarts = 0
        self.on_change = on_change
        self._folder = folder
        self._environment = _environment(settings)
        self._log: deque[str] = deque(maxlen=TAIL)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ending = False

    @property
    def running(self) -> bool:
        """Whether the process runs, ready or not."""
        return self._process is not None and self._process.returncode is None

    @property
    def last_exit(self) -> int | None:
        """The exit status of the last process, negative for a signal; None while it runs and before the first start."""
        return self._process.returncode if self._process else None

    @property
    def died(self) -> bool:
        """Whether the process has ended by itself, without `end` or `kill`."""
        return not self.running and self.last_exit is not None and not self._ending

    def describe(self) -> dict[str, Any]:
        """The state of the process for the page: `{running, pid, restarts, exit, died, log}`."""
        return {
            "running": self.running,
            "pid": self._process.pid if self._process and self.running else None,
            "restarts": self.restarts,
            "exit": self.last_exit,
            "died": self.died,
            "log": [line[:LINE] for line in list(self._log)[-60:]],
        }

    def tail(self) -> list[str]:
        """The last lines that the bot wrote, oldest first."""
        return list(self._log)[-15:]

    async def command(self, verb: str) -> None:
        """Runs `nomatron VERB` to its end. Raises ChildFailedError if its exit status is not 0."""
        process = await self._spawn(verb)
        output, _ = await process.communicate()
        lines = output.decode(errors="replace").splitlines()
        self._log.extend(f"[{verb}] {line}" for line in lines)
        if process.returncode:
            raise ChildFailedError(f"nomatron {verb} ended with status {process.returncode}:", lines)

    async def start(self) -> None:
        """Starts `nomatron run`; does nothing if it runs already."""
        if self.running:
            return
        if self._process is not None:
            self.restarts += 1
        self._ending = False
        self._process = await self._spawn("run")
        self._reader = asyncio.create_task(self._follow(self._process))
        self.on_change()

    async def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Returns when `/readyz` answers 200. Raises ChildFailedError if the bot ends or needs more than `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        reasons = "no answer"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while asyncio.get_running_loop().time() < deadline:
                if not self.running:
                    async with asyncio.timeout(2):
                        await self._read_rest()
                    raise ChildFailedError(f"the bot ended with status {self.last_exit}:", self.tail())
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{self.base}/readyz") as answer:
                        if answer.status == 200:
                            return
                        reasons = (await answer.text())[:500]
                await asyncio.sleep(0.05)
        raise ChildFailedError(f"the bot is not ready after {seconds:.0f} s ({reasons}):", self.tail())

    async def kill(self) -> None:
        """Kills the process (SIGKILL), as a power cut would; returns when it is gone."""
        if self._process and self.running:
            self._ending = True
            self._process.kill()
            await self._process.wait()

    async def end(self, seconds: float = END_SECONDS) -> None:
        """Stops the process as an operator would (SIGTERM), kills it after `seconds`, and returns when it is gone."""
        process = self._process
        if process is None:
            return
        self._ending = True
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(seconds):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await self._read_rest()

    async def _read_rest(self) -> None:
        if self._reader is not None:
            await self._reader

    async def _spawn(self, verb: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", verb),
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20,
        )

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        """Reads the child's output until it ends; if nobody read the pipe, it would fill up and block the child."""
        assert process.stdout is not None  # noqa: S101 - `_spawn` asks for the pipe
        while chunk := await _line(process.stdout):
            self._log.append(chunk.decode(errors="replace").rstrip())
        status = await process.wait()
        self._log.append(f"-- the bot ended with status {status} --")
        self.on_change()


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or b"" at the end; a note in place of a line that is longer than the buffer."""
    try:
        return await stream.readline()
    except ValueError:
        return b"(a line of more than 1 MiB was left out)\n"


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    system = {name: os.environ[name] for name in _SYSTEM if name in os.environ}
    return {**system, "PYTHONPATH": str(_SOURCE), "PYTHONUNBUFFERED": "1", **settings}
