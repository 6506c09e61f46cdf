"""Changes a job outside Nomatron, as a colleague with their own Nomad token could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.agent.api import AgentError

if TYPE_CHECKING:
    from sandbox.agent.api import Api

# The fields that the server sets. If they were sent back, Nomad would honour Version and make a version for VersionTag.
SERVERS_OWN = frozenset(
    {
        "Status", "StatusDescription", "Stable", "Version", "CreateIndex", "ModifyIndex", "JobModifyIndex",
        "SubmitTime", "VersionTag", "NomadTokenID",
    }
)  # fmt: skip


async def change_env(api: Api, body: Any) -> Any:
    """Registers the job of `{namespace, job, env}` with these variables in every task; returns Nomad's answer.

    Raises ValueError for any other body, AgentError if Nomad refuses or has no such job.
    """
    match body:
        case {"namespace": str(namespace), "job": str(job_id), "env": dict(env)}:
            pass
        case _:
            raise ValueError('send {"namespace": "…", "job": "…", "env": {"NAME": "value"}}')
    job = await api.get("job", job_id, namespace=namespace)
    if job is None:
        raise AgentError(f'there is no job "{job_id}" in namespace "{namespace}"')
    sent = {name: value for name, value in job.items() if name not in SERVERS_OWN}
    added = {str(name): str(value) for name, value in env.items()}
    for group in sent["TaskGroups"] or []:
        for task in group["Tasks"] or []:
            task["Env"] = {**(task["Env"] or {}), **added}
    return await api.call("POST", ("jobs",), {"Job": sent}, {"namespace": namespace})


async def register(api: Api, body: Any) -> Any:
    """Registers the job of `{namespace, job}`, written as Nomad's API takes it; returns Nomad's answer.

    Raises ValueError for any other body, AgentError if Nomad refuses.
    """
    match body:
        case {"namespace": str(namespace), "job": {"ID": str()} as job}:
            return await api.call("POST", ("jobs",), {"Job": job}, {"namespace": namespace})
    raise ValueError('send {"namespace": "…", "job": {"ID": "…"}}')
