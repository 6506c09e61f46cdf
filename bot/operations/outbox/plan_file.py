"""A plan that no message can hold, as a file in the thread of its deploy's message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deploy.message import MAY_BE_SECOND, Note
from bot.domain.jobdiff.whole import file_of
from bot.errors import FileRefused
from bot.operations.require import require

if TYPE_CHECKING:
    from bot.domain.deploy.message import Posted
    from bot.ports import Ports


async def attach(ports: Ports, deploy_id: int, number: int, posted: Posted, *, again: bool) -> None:
    """Upload the deploy's plan of that number to its thread; if Slack takes no file, say there where the plan is.

    ``again``: an earlier try may have arrived, so the file's title says that it may appear twice.
    Raises what ``Chat.upload`` and ``Chat.reply`` raise, but never ``FileRefused``.
    """
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(deploy_id), f"D-{deploy_id}")
        plan = require(await reading.plan(deploy_id, number), f"plan {number} of D-{deploy_id}")
    name, title = f"{deploy.number}-plan-{number}.txt", f"Plan {number} of {deploy.number}"
    title += f". {MAY_BE_SECOND}" if again else ""
    try:
        await ports.chat.upload(
            posted.channel, posted.ts, name=name, title=title, content=file_of(deploy, plan).encode("utf-8", "replace")
        )
    except FileRefused as error:
        await ports.chat.reply(posted.channel, posted.ts, _without_file(deploy.number, number, error))


def _without_file(deploy: str, number: int, error: FileRefused) -> Note:
    text = f"The file with the whole plan {number} is missing: Slack refused it ({error})."
    fix = "An operator can fix that: `nomatron doctor` says how. " if error.lacks_scope else ""
    return Note(text=text, lines=(f"{fix}`/deploy plan {deploy}` shows every change, page by page.",))
