"""All approvals that were ever given, void ones included."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from bot.domain.deploy.approval import Approval
from store.sql.mapping import columns_of
from store.sql.session import Session
from store.tables import approvals

_OF_DEPLOY = select(approvals).where(approvals.c.deploy_id == bindparam("of")).order_by(approvals.c.at, approvals.c.id)


class ApprovalReading(Session):
    """Reads of approvals."""

    async def approvals(self, deploy_id: int) -> tuple[Approval, ...]:
        """All approvals ever given to the deploy, including void ones, oldest first."""
        return await self._all(Approval, _OF_DEPLOY, {"of": deploy_id})


class ApprovalWriting(ApprovalReading):
    """Writes approvals."""

    async def add_approval(self, approval: Approval) -> None:
        """Insert an approval; raises ``StoreBusy`` if an approval of the same person counts already."""
        await self._run(approvals.insert().values(columns_of(approval)))

    async def save_approval(self, approval: Approval) -> None:
        """Update ``void`` and ``plan`` of an approval; deploy, user and ``at`` identify it."""
        same = (
            approvals.c.deploy_id == approval.deploy_id,
            approvals.c.user == approval.user,
            approvals.c.at == approval.at,
        )
        await self._run(approvals.update().where(*same).values(void=approval.void, plan=approval.plan))
