"""Withdraw: cancel a request before anything is sent: your own, or with a permission somebody else's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.domain.access import Permission
from bot.domain.actor import System, human_behind
from bot.domain.audit.events import EventType
from bot.domain.decision import Allowed, Refused, instead
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import not_open
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.transitions import Redraw, to_requester, transition

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.actor import Actor
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case, Origin
    from bot.ports import Ports
    from bot.ports.store import Transaction

CATALOG = System("catalog")


async def withdraw(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Deploy | Refused:
    """End the deploy as withdrawn. Raises ``Replayed``."""
    decision = partial(_withdraw, actor=actor)
    return await decide_on(ports, deploy_id, decision, act="withdraw", actor=actor, origin=origin)


async def withdraw_unplaced(tx: Transaction, deploy: Deploy, now: datetime, catalog: str) -> Deploy:
    """End a locked deploy whose target is no longer in the catalog of that fingerprint, and tell its requester."""
    detail = "The catalog no longer deploys this service there, or deploys it somewhere else."
    return await transition(
        tx,
        deploy,
        Status.WITHDRAWN,
        at=now,
        event=EventType.DEPLOY_WITHDRAWN,
        actor=CATALOG,
        catalog=catalog,
        data={"detail": detail},
        changes={"detail": detail},
        note=to_requester(deploy, f"{deploy.number} was withdrawn. {detail}"),
    )


async def _withdraw(case: Case, *, actor: Actor) -> Deploy | Refused:
    deploy = case.deploy
    decision = _may_withdraw(case, actor) if deploy.status.undecided else not_open(deploy, "withdraw")
    if isinstance(decision, Refused):
        return await case.record_refusal(actor, "withdraw", decision)
    unseen = await case.tx.unsend_card(deploy.id)
    return await transition(
        case.tx,
        deploy,
        Status.WITHDRAWN,
        at=case.now,
        event=EventType.DEPLOY_WITHDRAWN,
        actor=actor,
        catalog=case.facts.fingerprint,
        # nobody has seen a message yet, so none has to say that the request was withdrawn
        card=Redraw.URGENT if deploy.plan or not unseen else Redraw.NONE,
    )


def _may_withdraw(case: Case, actor: Actor) -> Decision:
    facts, user = case.facts, human_behind(actor)
    if user is not None and user == facts.requester and facts.membership.counts(user):
        return Allowed()
    allowed = facts.may(actor, Permission.WITHDRAW)
    own = (facts.requester,) if facts.requester and facts.requester != user else ()
    return instead(allowed, users=own) if isinstance(allowed, Refused) else allowed
