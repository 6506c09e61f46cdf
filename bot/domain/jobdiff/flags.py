"""Why a flagged change needs a second look, in words: the same on a deploy's message, in its thread and in its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.deploy.plan import Flag

REASONS: Final[Mapping[Flag, str]] = {
    Flag.REMOVED: "removed",
    Flag.LESS_MEMORY: "less memory",
    Flag.LESS_CPU: "less cpu",
    Flag.LESS_COUNT: "fewer instances",
    Flag.COUNT_ZERO: "nothing will run",
    Flag.OLDER_VERSION: "an older version",
    Flag.IMAGE_REGISTRY: "another image registry",
    Flag.IMAGE_REPOSITORY: "another image repository",
    Flag.MUTABLE_TAG: "the tag can change its image later",
    Flag.DRIVER: "another task driver",
    Flag.RAW_EXEC: "runs on the host without isolation",
    Flag.USER: "another user",
    Flag.PRIVILEGED: "privileged: full access to the host",
    Flag.CAPABILITIES: "other Linux capabilities",
    Flag.DEVICES: "other devices of the host",
    Flag.HOST_VOLUME: "another host volume",
    Flag.HOST_NETWORK: "the host's network",
    Flag.NODE_POOL: "another node pool",
    Flag.DATACENTER: "other datacenters",
    Flag.NAMESPACE: "another namespace",
    Flag.REGION: "another region",
    Flag.TYPE: "another job type",
    Flag.PRIORITY: "another priority",
    Flag.AUTO_REVERT_OFF: "no automatic revert",
    Flag.CANARIES_OFF: "fewer canaries",
    Flag.HEALTH_LOOSENED: "weaker health check",
    Flag.DEADLINE_LOOSENED: "longer deadline",
    Flag.OVERRIDE: "set by the request",
    Flag.UNDOES_OUTSIDE: "undoes a change made outside Nomatron",
}
"""The reason for each flag."""
