"""The outbox: messages to send, written with the change that causes them, and the messages posted in Slack."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text as Plain
from sqlalchemy import and_, bindparam, case, func, select
from sqlalchemy import text as sql

from bot.domain.deploy.message import Delivery, Posted
from bot.errors import CatalogMissing
from bot.ports.claims import MESSAGES
from store.catalogs import CatalogReading
from store.deploys.deploys import DeployReading
from store.outbox.fences import Fencing
from store.sql.conditions import PENDING_CARD
from store.sql.dialects import insert
from store.sql.mapping import columns_of
from store.sql.scopes import chunks
from store.sql.session import Session
from store.tables import messages, outbox

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.sql import Executable

    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.message import Outgoing
    from bot.ports.claims import Parcel


# made once, because every change sends something
_CHANNEL = select(messages.c.channel).where(messages.c.deploy_id == bindparam("shown"), messages.c.ts != "")
_OWN_NEXT = select(func.max(outbox.c.turn) + 1).where(outbox.c.asker == bindparam("own")).scalar_subquery()
# whoever asks for the first time starts where the others stand now, not before all that they ever sent
_FIRST = select(func.min(outbox.c.turn)).scalar_subquery()
# after the asker's own pending messages, and beside the first of everybody else's
_TURN = func.coalesce(_OWN_NEXT, _FIRST, 0)
# where the deploy's message is, or where it probably will be
_LANE = func.coalesce(_CHANNEL.scalar_subquery(), bindparam("probable", type_=Plain))


@cache
def _add(dialect: str) -> Executable:
    """A card that is pending already may become due earlier, but is never doubled; nothing else meets that index."""
    statement = insert(dialect, outbox).values(turn=_TURN, lane=_LANE)
    earlier = statement.excluded.due_at < outbox.c.due_at
    return statement.on_conflict_do_update(
        index_elements=["deploy_id"],
        index_where=sql(PENDING_CARD),
        set_={
            "due_at": case((earlier, statement.excluded.due_at), else_=outbox.c.due_at),
            "put_at": case((earlier, statement.excluded.put_at), else_=outbox.c.put_at),
            "not_before": case((earlier, statement.excluded.not_before), else_=outbox.c.not_before),
            "urgent": outbox.c.urgent | statement.excluded.urgent,
        },
    )


class OutboxReading(Session):
    """Reads which messages are posted in Slack."""

    async def posted(self, deploy_id: int) -> Posted | None:
        """The deploy's Slack message, if one was posted or is being posted."""
        return await self._one(Posted, select(messages).where(messages.c.deploy_id == deploy_id))

    async def all_posted(self, deploys: Collection[int]) -> tuple[Posted, ...]:
        """The Slack messages of those deploys that have one."""
        found: list[Posted] = []
        for chunk in chunks(deploys):
            stand = select(messages).where(messages.c.deploy_id.in_(chunk), messages.c.ts != "")
            found += await self._all(Posted, stand.order_by(messages.c.deploy_id))
        return tuple(found)


class OutboxWriting(OutboxReading, CatalogReading, DeployReading, Fencing):
    """Adds messages to the outbox, and takes a pending card back."""

    async def save_posted(self, posted: Posted, parcel: Parcel | None = None) -> None:
        """Insert or update the deploy's Slack message.

        With a parcel, raises ``StaleFence`` if another worker has taken it over.
        """
        if parcel is not None:
            await self._hold(parcel)
        await self._upsert(messages, columns_of(posted), ("deploy_id",))

    async def send(self, outgoing: Outgoing, at: datetime) -> None:
        """Add a message to the outbox. A CARD that is pending already may become due earlier, but is never doubled."""
        due = outgoing.not_before or at
        values = {**columns_of(outgoing), "created_at": at, "due_at": due, "put_at": at, "tries": 0, "fence": 0}
        self._due.append((MESSAGES, due, 0))
        deploy = await self._of(outgoing)
        # whose share of the outbox it takes: the requester's, else that of the person who is told
        values["asker"] = values["own"] = deploy.requester.key if deploy else outgoing.user
        straight = outgoing.channel or outgoing.user
        values["probable"] = straight or await self._probable(deploy)
        values["shown"] = None if straight else outgoing.deploy_id
        self._write_later(_add(self._dialect), values)

    async def _probable(self, deploy: Deploy | None) -> str:
        """The channel for a deploy, or for the operators, by the catalog in force; empty if it names none."""
        try:
            catalog = (await self.active_catalog()).catalog
        except CatalogMissing:
            return ""
        if deploy is None:
            return catalog.admin_channel or ""
        known = catalog.placement(deploy.service, deploy.environment) is not None
        return catalog.channel_for(deploy.service, deploy.environment) if known else ""

    async def _of(self, outgoing: Outgoing) -> Deploy | None:
        """The deploy that the message is about; what is asked of it here never changes."""
        number = outgoing.deploy_id or 0
        return self._locked.get(number) or (await self.deploy(number) if number else None)

    async def unsend_card(self, deploy_id: int) -> bool:
        """Remove the pending CARD of a deploy without a message; returns whether no worker has started to send one.

        A card that a worker has may already be on its way to Slack: then this removes nothing.
        """
        await self.flush()
        message = select(messages.c.deploy_id).where(messages.c.deploy_id == deploy_id).exists()
        other = outbox.alias()
        held = select(other.c.id).where(_card_of(other.c, deploy_id), other.c.held_until.is_not(None)).exists()
        pending = (_card_of(outbox.c, deploy_id), outbox.c.held_until.is_(None))
        await self._run(outbox.delete().where(*pending, ~message, ~held))
        left = select(outbox.c.id).where(_card_of(outbox.c, deploy_id)).exists()
        begun: bool = (await self._run(select(message | left))).scalar_one()
        return not begun


def _card_of(columns: Any, deploy_id: int) -> ColumnElement[bool]:
    return and_(columns.deploy_id == deploy_id, columns.kind == Delivery.CARD)
