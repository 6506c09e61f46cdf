"""Verbs that close something and open it again: their handlers, and below them their entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.access import Permission
from bot.domain.decision import Refused
from bot.gateways.blocks import answers
from bot.operations.locks import lock as locking
from bot.operations.locks import unlock as unlocking
from handlers.slack.command import locks as grammar
from handlers.slack.command.ast import Verb
from handlers.slack.respond import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.locks import Target
    from bot.gateways.blocks.parts import Message
    from bot.ports.store import ActiveCatalog
    from handlers.slack.desk import Call


async def lock(call: Call, target: Target, active: ActiveCatalog) -> Message:
    """Close what was named."""
    done = await locking.lock(call.desk.ports, call.actor, target, origin=call.origin)
    return refusal(done) if isinstance(done, Refused) else answers.locked(done, active.catalog)


async def unlock(call: Call, target: Target, _: ActiveCatalog) -> Message:
    """Open it again."""
    done = await unlocking.unlock(call.desk.ports, call.actor, target, origin=call.origin)
    return refusal(done) if isinstance(done, Refused) else answers.unlocked(done)


VERBS: Final[Mapping[str, Verb]] = {
    "lock": Verb(
        form="/deploy lock SERVICE|ENV|everything [in ENV] [for 2h] because TEXT",
        summary="let nothing start there until the lock is lifted",
        details=(
            (
                "For example `/deploy lock production for 2h because the database moves`, or `/deploy lock checkout in "
                "production because v1.4.2 loses orders`."
            ),
            (
                "Requests and approvals go on, and every message that a lock holds says so. Rollouts that run finish. "
                "Without `for` it holds until somebody lifts it; `for` takes 1 minute to 90 days."
            ),
            "Your permission must cover all that you lock: one for some services locks no environment.",
        ),
        parse=grammar.lock,
        answer=lock,
        permission=Permission.LOCK,
    ),
    "unlock": Verb(
        form="/deploy unlock SERVICE|ENV|everything [in ENV] because TEXT",
        summary="lift a lock, with the reason",
        details=(
            "What waited for it goes on at once, the oldest request first. `/deploy status` lists the locks.",
            "Whoever placed a rollback's lock can lift it, too.",
        ),
        parse=grammar.unlock,
        answer=unlock,
        permission=Permission.LOCK,
    ),
}
