"""Automatic promotion: request what may be promoted where the catalog says so. It never approves, and asks once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused
from bot.domain.deploy.gates import RECHECK, Ask
from bot.domain.deploy.versions import is_older
from bot.operations.deploys.decide import NOWHERE, lock_claimed
from bot.operations.deploys.request import request
from bot.operations.deploys.transitions import reply, to_requester

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.promotion import Run
    from bot.ports import Ports
    from bot.ports.claims import Claim
    from bot.ports.store import Reading, Transaction

_PASSES: Final = frozenset({"catalog-busy", "membership-unknown", "person-unknown", "running-unknown", "soaking"})
"""Reasons for a refusal that end by themselves soon, so that nobody has to be told."""
_QUOTA: Final = frozenset({"too-many-open", "too-many-requests"})


async def choose(
    tx: Transaction, catalog: Catalog, deploy: Deploy, offered: Sequence[str], now: datetime
) -> tuple[Deploy, tuple[str, ...]]:
    """The environments that the locked deploy is to be promoted to automatically, of those it may be ``offered`` for.

    If somebody deployed an older version on purpose, here or there, that holds it: its requester is told once. Returns
    the deploy with who was told, for the caller to save.
    """
    chosen = []
    for name in offered:
        if not catalog.environments[name].auto or name in deploy.auto_refused:
            continue
        if await _was_there(tx, deploy, name) or await _is_older_than_there(tx, deploy, name):
            continue
        held = await _held(tx, deploy, name)
        if not held:
            chosen.append(name)
        elif name not in deploy.auto_held:
            deploy = replace(deploy, auto_held=(*deploy.auto_held, name))
            await _tell(tx, deploy, name, held, now)
    return deploy, tuple(chosen)


async def promote(ports: Ports, claim: Claim, deploy: Deploy, environment: str) -> None:
    """Request the claimed deploy's release there, for the person behind the deploy; tell them what came of it, once.

    What ends by itself, such as an outage of Slack, is tried again. Raises ``StaleFence``.
    """
    ask = Ask(
        service=deploy.service,
        version=deploy.version,
        environment=environment,
        overrides={},
        reason=f"{deploy.number} passed in {deploy.environment}.",
        promotes=deploy.environment,
        release=deploy.release,
        automatic=True,
    )
    answer = await request(ports, deploy.requester, ask, origin=NOWHERE)
    if not isinstance(answer, Refused):
        if not answer.existing:
            async with ports.begin() as tx:
                text = f"{answer.deploy.number} was requested automatically: {deploy.release_name} to {environment}."
                await reply(tx, deploy, to_requester(deploy, text, answer.notes), ports.clock.now())
        return
    async with ports.begin() as tx:
        now, locked = ports.clock.now(), await lock_claimed(tx, claim)
        if set(answer.codes) <= _PASSES | _QUOTA:
            await tx.save_deploy(replace(locked, due_at=now + RECHECK))
            return
        await tx.save_deploy(replace(locked, auto_refused=(*locked.auto_refused, environment)))
        await _tell(tx, locked, environment, " ".join(reason.text for reason in answer.reasons), now)


async def _tell(tx: Transaction, deploy: Deploy, environment: str, why: str, now: datetime) -> None:
    text = f"{deploy.number} ({deploy.release_name}) is not promoted to {environment} automatically. {why}"
    todo = f"To promote it anyway: `/deploy promote {deploy.number} to {environment}`."
    await reply(tx, deploy, to_requester(deploy, text, (todo,)), now)


async def _was_there(reading: Reading, deploy: Deploy, environment: str) -> bool:
    """Whether anybody requested the release there before: what became of that was a decision."""
    runs = await reading.runs(deploy.service, environment, deploy.release)
    return any(run.release == deploy.release for run in runs)


async def _is_older_than_there(reading: Reading, deploy: Deploy, environment: str) -> bool:
    last = await reading.last_landed(deploy.service, environment)
    return last is not None and is_older(deploy.version, last.version)


async def _held(reading: Reading, deploy: Deploy, environment: str) -> str:
    """Where somebody went back to an older version last, as a sentence; empty if nobody did."""
    for name in (deploy.environment, environment):
        back = await _step_back(reading, deploy.service, name)
        if back is not None:
            last, before = back
            what = f"{last.version} (D-{last.deploy_id}) in {name} is older than {before.version}"
            return f"{what}, which it replaced: until somebody deploys a newer version there, nothing is automatic."
    return ""


async def _step_back(reading: Reading, service: str, environment: str) -> tuple[Run, Run] | None:
    """The deploy that landed there last and the one that it replaced, if that was newer."""
    last = await reading.last_landed(service, environment)
    before = last and await reading.last_landed(service, environment, other_than=last.version)
    if last is None or before is None:
        return None
    first = [await reading.first_landed(service, environment, each.version) for each in (last, before)]
    older = is_older(last.version, before.version, [run for run in first if run is not None])
    return (last, before) if older else None
