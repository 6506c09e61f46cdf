"""Measures what many messages at once cost: the processor's share, while Slack's tiers set the pace.

``python -m bench.outbox [--cards 500] [--channels 10] [--seconds 60] [--json]``; bench/README.md explains the output.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from bench.around import People, a_catalog, a_deploy
from bench.lines import Line, told
from bot.domain.actor import Operator
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Delivery, Outgoing
from bot.errors import SlackUnavailable
from bot.gateways.slack.budget import Budget
from bot.gateways.slack.chat import SlackChat
from bot.operations.catalog import apply
from bot.operations.outbox import deliver
from bot.ports import Limits, Ports
from handlers.work import LocalBell, Worker
from store import open_store
from store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.gateways.slack.connection import Connection
    from bot.gateways.slack.methods import Method
    from bot.ports.nomad import Nomads

ANSWERS_AFTER: Final = 0.05
"""Seconds that Slack takes for a call."""


class Slack:
    """Takes each call that our own budget lets through, after a moment."""

    def __init__(self) -> None:
        self.budget = Budget(time.monotonic)
        self.calls: Counter[str] = Counter()
        self.over_budget = 0

    async def call(self, method: Method, **arguments: Any) -> dict[str, Any]:
        """An answer with a new ``ts``; ``SlackUnavailable`` where the budget is used up."""
        wait = self.budget.spend(method, str(arguments.get("channel", "")))
        if wait > 0:
            self.over_budget += 1
            raise SlackUnavailable("our own rate limit is used up", retry_after=wait)
        await asyncio.sleep(ANSWERS_AFTER)
        self.calls[method.name] += 1
        return {"ts": f"{self.calls[method.name]}.0"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if a value is beyond its goal."""
    parser = argparse.ArgumentParser(prog="python -m bench.outbox", description=__doc__.partition("\n")[0])
    parser.add_argument("--cards", type=int, default=500, help="messages at once (%(default)s)")
    parser.add_argument("--channels", type=int, default=10, help="channels that they go to (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="how long to look at most (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args(arguments)
    lines = asyncio.run(measure(asked.cards, asked.channels, asked.seconds))
    return told(lines, as_json=asked.json)


async def measure(cards: int, channels: int, seconds: float) -> list[Line]:
    """The lines for so many first messages to so many channels, looked at for so long at most."""
    with tempfile.TemporaryDirectory(prefix="nomatron-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'nomatron.db'}"
        await migrate(url)
        async with open_store(url) as store:
            bell, slack = LocalBell(), Slack()
            ports = Ports(
                store=store,
                nomads=cast("Nomads", None),
                directory=cast("Any", People(store)),
                chat=SlackChat(cast("Connection", slack)),
                clock=store.clock,
                bell=bell,
                limits=Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20)),
                worker="bench",
            )
            names = [f"env{number}" for number in range(channels)]
            catalog = a_catalog(dict.fromkeys(("healthy", *names), "http://127.0.0.1:1"))
            environments = {
                name: replace(each, channel=f"C0CHANNEL{names.index(name)}") if name in names else each
                for name, each in catalog.environments.items()
            }
            catalog = replace(catalog, environments=environments)
            await apply(ports, Operator("bench"), catalog)
            now = store.clock.now()
            async with store.begin() as tx:
                for number in range(cards):
                    environment = names[number % channels]
                    deploy = await tx.add_deploy(a_deploy(catalog, environment, Status.FAILED, "0" * 64, now))
                    await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id), now)
            worker = Worker(ports, bell, verbs=(), lanes=((deliver.WORK, 8),))
            began, used = time.monotonic(), time.process_time()
            worker.start()
            while sum(slack.calls.values()) < cards and time.monotonic() - began < seconds:  # noqa: ASYNC110 -- as long as it takes
                await asyncio.sleep(0.5)
            took, used = time.monotonic() - began, time.process_time() - used
            await worker.stop(5)
            sent = sum(slack.calls.values())
            return [
                Line(f"of {cards} first messages to {channels} channels, sent", sent, "messages"),
                Line("in", took, "s"),
                Line("the processor's share meanwhile", 100 * used / took, "% of a core", 10),
                Line("processor time for each", 1000 * used / max(sent, 1), "ms"),
                Line("claimed although the budget was used up", slack.over_budget, "messages", 0),
            ]


if __name__ == "__main__":
    sys.exit(main())
