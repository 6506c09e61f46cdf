"""Deploy again anyway: request the same release once more, although its plan changed nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decision import refuse
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import Ask
from bot.operations.deploys.request import request

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.decision import Refused
    from bot.operations.deploys.decide import Origin
    from bot.operations.deploys.request import Requested
    from bot.ports import Ports


async def again(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Requested | Refused:
    """Repeat the request of an UNCHANGED deploy with a nonce in the job's Meta, which restarts every allocation.

    It passes the gates of any request. Raises ``Replayed``.
    """
    async with ports.store.read() as reading:
        deploy = await reading.deploy(deploy_id)
    # a rollback that would change nothing is none: what it goes back to runs
    if deploy is None or deploy.status is not Status.UNCHANGED or deploy.rollback is not None:
        return refuse(
            "cannot-again",
            f"D-{deploy_id} did not end with *Nothing to do*, so there is nothing to repeat. Request a new deploy.",
        )
    ask = Ask(
        service=deploy.service,
        version=deploy.version,
        environment=deploy.environment,
        overrides=deploy.overrides,
        reason=deploy.reason,
        promotes=deploy.promotes,
        release=deploy.release,
    )
    return await request(ports, actor, ask, origin=origin, nonce=deploy.number)
