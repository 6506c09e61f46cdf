"""Sets up python-nomad for one cluster, so that it takes nothing from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import nomad
import requests
from requests.adapters import HTTPAdapter

from bot import __version__

if TYPE_CHECKING:
    from bot.domain.catalog.environment import Cluster

CALLS: Final = 8
"""How many calls to one cluster can run at once: the size of its thread pool and of its connection pool."""

USER_AGENT: Final = f"nomatron/{__version__}"


def endpoints(cluster: Cluster, token: str | None, session: requests.Session) -> dict[str, Any]:
    """python-nomad's endpoint objects by the first part of their path: ``jobs``, ``job``, ``event`` and so on.

    If an argument is missing, the library falls back to ``NOMAD_TOKEN``, ``NOMAD_REGION``, ``NOMAD_NAMESPACE`` and the
    client certificate in the environment. So this sets them again on each endpoint that we use.
    """
    library = nomad.Nomad(address=cluster.address.rstrip("/"), token=token, verify=True, session=session)
    used = {
        "jobs": library.jobs,
        "job": library.job,
        "acl": library.acl,
        "event": library.event.stream,
        "status": library.status.leader,
        "agent": library.agent,
        "namespace": library.namespace,
        "deployments": library.deployments,
        "logs": library.client.stream_logs,
    }
    for endpoint in used.values():
        endpoint.token = token
        endpoint.namespace = None
        endpoint.region = cluster.region
        endpoint.cert = ()
        endpoint.verify = cluster.ca_file or True
    return used


def open_session() -> requests.Session:
    """A session with a connection pool, but without retries and without the environment's proxy and netrc."""
    session = requests.Session()
    session.trust_env = False
    session.stream = True
    session.headers["User-Agent"] = USER_AGENT
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=CALLS, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
