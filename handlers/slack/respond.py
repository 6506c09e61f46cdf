"""How answers reach people: in the acknowledgement if Slack shows that, otherwise in the background."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from bot.errors import NomatronError, SlackError
from bot.gateways.blocks import answers
from handlers.presentation import incident, presentation_of, sentence_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bot.domain.decision import Refused
    from bot.gateways.blocks.parts import Json, Message

log = logging.getLogger(__name__)

_MOST_TASKS = 200


class Voice(Protocol):
    """Answers to one person, and forms. Both methods raise ``SlackUnavailable`` or ``SlackRefused``."""

    async def say(
        self,
        message: Message,
        *,
        user: str,
        channel: str,
        response_url: str,
        thread_ts: str = "",
        replace: bool = False,
    ) -> None:
        """Show a message to one person, in whatever way works; ``replace`` the message of the ``response_url``."""

    async def open_view(self, trigger_id: str, view: Json) -> None:
        """Open a modal. A trigger works once, for 3 seconds."""


class Background:
    """A bounded set of tasks that outlive their request; ``drain`` waits for them at shutdown."""

    def __init__(self, most: int = _MOST_TASKS) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(
        self, work: Coroutine[Any, Any, None], what: str, *, tell: Callable[[Message], None] | None = None
    ) -> None:
        """Start a task. If too many are running, drop it and log that.

        If the task fails, ``tell`` gets the failure in words, for the person who is waiting.
        """
        if len(self._tasks) >= self._most:
            # Slack has been slow for so long that hundreds of answers wait: one more would only wait behind them
            work.close()
            log.error("too many background tasks: dropped one", extra={"what": what})
            return
        task = asyncio.create_task(self._run(work, what, tell))
        # the loop itself keeps only a weak reference to a task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, seconds: float) -> None:
        """Wait for the running tasks and those that they start, at most that long, then cancel the rest."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._tasks and (left := end - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        late = tuple(self._tasks)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    @staticmethod
    async def _run(work: Coroutine[Any, Any, None], what: str, tell: Callable[[Message], None] | None) -> None:
        try:
            await work
        except SlackError as error:
            log.warning("an answer did not reach the person: %s", error, extra={"what": what})
        except NomatronError as error:
            log.warning("background work failed: %s", error, extra={"what": what})
            if tell:
                tell(failure(error))
        except Exception as error:
            # the edge of a task: nobody else would ever see it
            log.exception("background work broke", extra={"what": what})
            if tell:
                tell(failure(error))


def refusal(refused: Refused) -> Message:
    """A refusal in words, with the emoji of its first reason."""
    return answers.refusal(refused, presentation_of(refused.reasons[0].code).emoji)


def failure(error: Exception) -> Message:
    """A failure in words. An unexpected one gets an incident code that is also in the log."""
    sentence = sentence_of(error) if isinstance(error, NomatronError) else None
    code = error.code if isinstance(error, NomatronError) else "error"
    if sentence is None:
        # the text of an unexpected error may hold anything, also secrets: the person gets a code, the log the rest
        number = incident()
        log.error("unexpected failure, code %s", number, exc_info=error)
        sentence = f"Something broke (code {number}). Give an operator this code: the details are in the log."
    return answers.went_wrong(sentence, presentation_of(code).emoji)


def private(message: Message) -> Json:
    """The acknowledgement of a slash command with an answer that only its author sees."""
    return {"response_type": "ephemeral", **message.arguments()}
