"""Empties the frozen JSON of plans that nobody needs any more. All else of a deploy stays."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, or_, select, tuple_

from bot.domain.deploy.deploy import Status
from store.deploys.deploys import OPEN
from store.sql.session import Session
from store.tables import deploys, plans, rollouts

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

_BATCH: Final = 100
_LANDINGS: Final = 6
"""How many of the newest landings of a place keep their JSON: as many versions of a job as Nomad keeps itself."""
_KEPT: Final = {Status.SUCCEEDED: 4, Status.UNCHANGED: 2}
"""How many of a place's last deploys keep it that succeeded, and that changed nothing.

Of those that succeeded: what runs; if that is a rollback, what it undid, what it went back to, and the one before that.
"""
_LOOK_AGAIN: Final = timedelta(days=7)
"""After how long a plan is looked at again that still had to be kept."""


def _landed(of: Any) -> ColumnElement[bool]:
    return select(rollouts.c.number).where(rollouts.c.deploy_id == of.c.id, rollouts.c.number == 1).exists()


def _few_later_landings() -> ColumnElement[bool]:
    later = deploys.alias("later")
    place = (later.c.service == deploys.c.service, later.c.environment == deploys.c.environment)
    last = (
        select(later.c.id)
        .where(*place, later.c.id > deploys.c.id, _landed(later))
        .order_by(later.c.id)
        .limit(1)
        .offset(_LANDINGS - 1)
    )
    return last.correlate(deploys).scalar_subquery().is_(None)


def _first_landing() -> ColumnElement[bool]:
    before = deploys.alias("before")
    place = (before.c.service == deploys.c.service, before.c.environment == deploys.c.environment)
    first = (
        select(before.c.id)
        .where(*place, before.c.landed_at.is_not(None))
        .order_by(before.c.landed_at, before.c.id)
        .limit(1)
    )
    return first.correlate(deploys).scalar_subquery() == deploys.c.id


def _few_later(status: Status) -> ColumnElement[bool]:
    later = deploys.alias("later")
    place = (later.c.service == deploys.c.service, later.c.environment == deploys.c.environment)
    newer = tuple_(later.c.changed_at, later.c.id) > tuple_(deploys.c.changed_at, deploys.c.id)
    last = (
        select(later.c.id)
        .where(*place, later.c.status == status, newer)
        .order_by(later.c.changed_at, later.c.id)
        .limit(1)
        .offset(_KEPT[status] - 1)
    )
    return last.correlate(deploys).scalar_subquery().is_(None)


# each asks an index for a handful of rows, however long the history is
_NEEDED = or_(
    deploys.c.status.in_(OPEN),
    deploys.c.changed_at >= bindparam("before"),
    # only the last plan of an ended deploy can have reached Nomad
    and_(
        plans.c.number == deploys.c.plan,
        or_(
            and_(_landed(deploys), _few_later_landings()),
            _first_landing(),
            *(and_(deploys.c.status == each, _few_later(each)) for each in _KEPT),
        ),
    ),
)
_OLD = plans.c.kept_from < bindparam("before")
_DUE = select(select(plans.c.number).where(_OLD).exists())
_LOOKED_AT = (
    select(plans.c.deploy_id, plans.c.number, _NEEDED.label("needed"))
    .join_from(plans, deploys, deploys.c.id == plans.c.deploy_id)
    .where(_OLD)
    .order_by(plans.c.kept_from)
    .limit(_BATCH)
    .with_for_update(of=plans, skip_locked=True)
)
_ONE = plans.update().where(plans.c.deploy_id == bindparam("of"), plans.c.number == bindparam("which"))
_PUT_OFF = _ONE.values(kept_from=bindparam("until"))
_EMPTIED = _ONE.values(job="", replaced="", kept_from=None)


class Retention(Session):
    """Empties plans."""

    async def due(self, before: datetime) -> bool:
        """Whether there is a plan to look at; takes no lock."""
        found: bool = (await self._run(_DUE, {"before": before})).scalar_one()
        return found

    async def empty(self, before: datetime) -> int:
        """Look at the hundred plans that have been kept for longest; the number of those that are empty now."""
        rows = await self._rows(_LOOKED_AT, {"before": before})
        kept = [{"of": deploy, "which": number, "until": before + _LOOK_AGAIN} for deploy, number, need in rows if need]
        gone = [{"of": deploy, "which": number} for deploy, number, need in rows if not need]
        for statement, values in ((_PUT_OFF, kept), (_EMPTIED, gone)):
            if values:
                await self._run(statement, values)
        return len(gone)
