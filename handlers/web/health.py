"""``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot import __version__
from bot.errors import NomatronError
from bot.operations.digest import schedule as digest
from bot.operations.queries.health import Health as Found
from bot.operations.queries.health import ages, health

if TYPE_CHECKING:
    from datetime import datetime

    from bot.ports import Ports

log = logging.getLogger(__name__)


class Health:
    """The three answers; a cluster that is lost is listed and makes nothing unready."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._registry = CollectorRegistry()
        Gauge("nomatron_info", "What runs.", ["version"], registry=self._registry).labels(__version__).set(1)
        self._up = Gauge("nomatron_store_up", "1 while the database answers.", registry=self._registry)
        self._ages = {
            name: Gauge(
                f"nomatron_oldest_{name}_age_seconds",
                f"How long the oldest {name} item waits.",
                registry=self._registry,
            )
            for name in ("unplanned", "undispatched", "unsent")
        }

        self._told = Gauge(
            "nomatron_digest_age_seconds",
            "Time since the end of what the newest digest that was posted tells of.",
            ["channel"],
            registry=self._registry,
        )

    def add_to(self, app: web.Application) -> None:
        """Route the three."""
        app.router.add_get("/healthz", self.alive)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)

    async def alive(self, _: web.Request) -> web.Response:
        """200: this process answers."""
        return web.json_response({"status": "alive", "version": __version__})

    async def ready(self, _: web.Request) -> web.Response:
        """200 where requests can be taken, else 503 with the reasons; clusters are listed either way."""
        try:
            found = await health(self._ports)
        except Exception as error:
            # the edge of the process: whoever asks gets an answer, and the log the whole story
            log.exception("the health could not be told")
            found = Found((f"unexpected: {type(error).__name__}; the log says more",), {})
        body = {"ready": found.ready, "problems": list(found.problems), "clusters": dict(found.clusters)}
        return web.json_response(body, status=200 if found.ready else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus' text format; with the database away only what is known without it."""
        try:
            oldest, told = await ages(self._ports), await digest.ages(self._ports)
        except NomatronError:
            self._up.set(0)
        else:
            self._up.set(1)
            now = self._ports.clock.now()
            for name, gauge in self._ages.items():
                gauge.set(_seconds(getattr(oldest, name), now))
            # a channel that has no digest any more is no longer told
            self._told.clear()
            for channel, until in told.items():
                self._told.labels(channel).set(_seconds(until, now))
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
