"""Deploy again anyway: the same release once more, though the plan said that nothing would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decision import refuse
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import Ask
from bot.operations.deploys.request import request

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.decision import Refused
    from bot.operations.deploys.origin import Origin
    from bot.operations.deploys.request import Requested
    from bot.ports import Ports


async def again(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Requested | Refused:
    """Ask anew for what an UNCHANGED deploy asked for, with a nonce in the job's Meta: everything restarts.

    The same gates hold as for any request. Raises ``Replayed``.
    """
    async with ports.store.read() as reading:
        deploy = await reading.deploy(deploy_id)
    if deploy is None or deploy.status is not Status.UNCHANGED:
        return refuse("cannot-again", f"D-{deploy_id} is no deploy that had nothing to do; request a new one.")
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
