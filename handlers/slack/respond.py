"""How answers reach people: in the acknowledgement where that shows, else in the background, never on the ack path."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from bot.errors import NomatronError, SlackError
from bot.gateways.blocks import answers
from handlers.outcomes import incident, outcome_of, sentence_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bot.domain.decision import Refused
    from bot.gateways.blocks.parts import Json, Message

log = logging.getLogger(__name__)

_MOST_TASKS = 200


class Voice(Protocol):
    """What is said without being a deploy's message; raises ``SlackUnavailable`` or ``SlackRefused``."""

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
        """A message for one person's eyes, by whatever way still reaches them; ``replace`` what the url belongs to."""

    async def open_view(self, trigger_id: str, view: Json) -> None:
        """Open a modal; a trigger is good for 3 s, once."""


class Background:
    """A bounded set of tasks that outlive their request; ``drain`` waits for them at the end."""

    def __init__(self, most: int = _MOST_TASKS) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(
        self, work: Coroutine[Any, Any, None], what: str, *, tell: Callable[[Message], None] | None = None
    ) -> None:
        """Start a piece of work; where too many are under way it is left undone, and the log says so.

        ``tell`` is given what broke in words, for the person who waits for it.
        """
        if len(self._tasks) >= self._most:
            # Slack has been slow for so long that hundreds wait: one answer more would only wait behind them
            work.close()
            log.error("too much under way: left undone", extra={"what": what})
            return
        task = asyncio.create_task(self._run(work, what, tell))
        # the loop itself keeps only a weak reference to a task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, seconds: float) -> None:
        """Wait for what is under way, at most so long, then end it."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    @staticmethod
    async def _run(work: Coroutine[Any, Any, None], what: str, tell: Callable[[Message], None] | None) -> None:
        try:
            await work
        except SlackError as error:
            log.warning("an answer did not reach its person: %s", error, extra={"what": what})
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
    """A refusal in words, with the sign of its first reason."""
    return answers.refused(refused, outcome_of(refused.reasons[0].code).emoji)


def failure(error: Exception) -> Message:
    """What broke, in words; something unexpected gets a code that the log has too."""
    sentence = sentence_of(error) if isinstance(error, NomatronError) else None
    code = error.code if isinstance(error, NomatronError) else "error"
    if sentence is None:
        # what is not expected may carry anything in its text: people get a code, the log gets the rest
        number = incident()
        log.error("unexpected failure, code %s", number, exc_info=error)
        sentence = f"Something broke, code {number}. It is in the log; tell an operator."
    return answers.went_wrong(sentence, outcome_of(code).emoji)


def private(message: Message) -> Json:
    """The body of a slash command's acknowledgement: an answer that only its author sees."""
    return {"response_type": "ephemeral", **message.arguments()}
