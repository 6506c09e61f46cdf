"""Measures what a bot costs that has nothing to do, how soon it is ready, and how long a short command takes.

``python -m bench.idle [--seconds 20] [--rounds 5] [--json]``; bench/README.md explains the output.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

from bench.around import simulated_nomad
from bench.lines import Line, told
from bench.processes import Bot, running_bot
from bench.slack import fake_slack

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT: Final = ("status", "history web-0", "lock --help")
"""Commands that only read, or only tell how they are used."""
WARM: Final = 5.0
"""Seconds after which what a start brings is over."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if a value is beyond its goal."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20, help="how long to look at an idle bot (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args(arguments)
    return told(asyncio.run(measure(asked.seconds, asked.rounds)), as_json=asked.json)


async def measure(seconds: float, rounds: int) -> list[Line]:
    """The lines of one bot that idles, and of so many starts."""
    with tempfile.TemporaryDirectory(prefix="nomatron-bench-") as name:
        async with fake_slack() as (_, slack), simulated_nomad() as nomad:
            starts, commands = [], {command: list[float]() for command in SHORT}
            for number in range(rounds):
                folder = Path(name) / str(number)
                folder.mkdir()
                async with running_bot(folder, slack, nomad) as bot:
                    starts.append(bot.ready_after)
                    for command, times in commands.items():
                        bare = await _took("-c", "pass", bot=bot)
                        times.append(await _took("-m", "bot", *command.split(), bot=bot) / bare)
                    if number == rounds - 1:
                        await asyncio.sleep(WARM)
                        memory, share = await _idle(bot, seconds)
    return [
        Line("memory of an idle bot", memory, "MB", 100),
        Line("processor time of an idle bot", share, "% of a core", 0.5),
        Line("ready after", median(starts), "s", 2),
        *(Line(f"`nomatron {command}` / bare Python", median(times), "x", 20) for command, times in commands.items()),
    ]


async def _idle(bot: Bot, seconds: float) -> tuple[float, float]:
    used, began = bot.used, perf_counter()
    await asyncio.sleep(seconds)
    return bot.memory, 100 * (bot.used - used) / (perf_counter() - began)


async def _took(*program: str, bot: Bot) -> float:
    """Seconds that Python takes for this, from start to end."""
    began = perf_counter()
    silent = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(sys.executable, *program, env=bot.environment, stdout=silent)
    if await process.wait():
        raise RuntimeError(f"{program} failed")
    return perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
