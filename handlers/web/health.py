"""The endpoints ``/healthz``, ``/readyz`` and ``/metrics`` (docs/interfaces.md)."""

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
    from collections.abc import Sequence
    from datetime import datetime

    from bot.ports import Ports

log = logging.getLogger(__name__)


class Health:
    """Serves the three endpoints. An unreachable cluster is listed, but the process stays ready."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._registry = CollectorRegistry()
        self._gauge("info", "Always 1; the label has the version that runs.", ["version"]).labels(__version__).set(1)
        self._up = self._gauge("database_up", "1 if the database answers, else 0.")
        self._ages = {
            "unplanned": self._gauge("oldest_unplanned_deploy_age_seconds", "Age of the oldest deploy without a plan."),
            "undispatched": self._gauge(
                "oldest_undispatched_deploy_age_seconds", "Age of the oldest deploy that is ready, but not dispatched."
            ),
            "unsent": self._gauge("oldest_unsent_message_age_seconds", "Age of the oldest message not yet in Slack."),
        }
        self._digests = self._gauge(
            "digest_age_seconds", "Time since the end of the period that the newest posted digest covers.", ["channel"]
        )

    def _gauge(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(f"nomatron_{name}", meaning, labels, registry=self._registry)

    def add_to(self, app: web.Application) -> None:
        """Add the three routes."""
        app.router.add_get("/healthz", self.alive)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)

    async def alive(self, _: web.Request) -> web.Response:
        """200 if the process is alive."""
        return web.json_response({"status": "alive", "version": __version__})

    async def ready(self, _: web.Request) -> web.Response:
        """200 if the process can take requests, else 503 with the problems; clusters are listed either way."""
        try:
            found = await health(self._ports)
        except Exception as error:
            # the edge of the process: the caller gets an answer, and the log gets the traceback
            log.exception("readiness check failed")
            found = Found((f"unexpected: {type(error).__name__}; see the log",), {})
        body = {"ready": found.ready, "problems": list(found.problems), "clusters": dict(found.clusters)}
        return web.json_response(body, status=200 if found.ready else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """Metrics in Prometheus' text format; if the database is unreachable, the ages keep their last values."""
        try:
            oldest, digests = await ages(self._ports), await digest.ages(self._ports)
        except NomatronError:
            self._up.set(0)
        else:
            self._up.set(1)
            now = self._ports.clock.now()
            for name, gauge in self._ages.items():
                gauge.set(_seconds(getattr(oldest, name), now))
            # drop the channels that no longer have a digest
            self._digests.clear()
            for channel, until in digests.items():
                self._digests.labels(channel).set(_seconds(until, now))
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
