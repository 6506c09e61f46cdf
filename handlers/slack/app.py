"""Bolt behind the guard: one catch-all listener for each kind of payload, so that no cost grows with their number."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final, TypeVar

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import NomatronError, Replayed
from handlers.outcomes import sentence_of
from handlers.slack import actions, commands, modals
from handlers.slack.respond import failure, private

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from slack_bolt.context.ack.async_ack import AsyncAck
    from slack_bolt.context.async_context import AsyncBoltContext

    from bot.gateways.blocks.parts import Json
    from handlers.slack.desk import Call

Answer = TypeVar("Answer")
CALL: Final = "nomatron_call"
"""Where Bolt's context holds our own request."""

# Bolt tries its listeners one after another, 12 us each (docs/slack-platform.md, "Bolt's listeners"): four in all,
# and dicts behind them
_ANY: Final = re.compile("")


def build() -> AsyncApp:
    """The Bolt app. It verifies nothing (the guard has) and calls nothing: authorizing takes no ``auth.test``."""
    # Bolt warns that it will not use the token that it finds in the environment, which is what is wanted
    logger = logging.getLogger(f"{__name__}.bolt")
    logger.setLevel(logging.ERROR)
    app = AsyncApp(
        name="nomatron",
        logger=logger,
        # never used: without one Bolt would read a token from the environment
        client=AsyncWebClient(),
        authorize=_authorize,
        # otherwise Bolt looks for the acknowledgement every 10 ms, and answers 404 after 3 s while the work goes on
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    app.command(_ANY)(_on_command)
    app.action(_ANY)(_on_action)
    app.view(_ANY)(_on_submission)
    app.view_closed(_ANY)(_on_closed)
    return app


async def _authorize() -> AuthorizeResult:
    """Which workspace and app this is was settled by the guard; nothing here acts with a token."""
    return AuthorizeResult(enterprise_id=None, team_id=None)


async def _on_command(ack: AsyncAck, context: AsyncBoltContext) -> None:
    answer = await _served(commands.answer(_call(context)), failure)
    await ack(**private(answer)) if answer else await ack()


async def _on_action(ack: AsyncAck, context: AsyncBoltContext) -> None:
    call = _call(context)
    answer = await _served(actions.act(call, call.payload["actions"][0]), failure)
    if answer is not None:
        call.answer(answer)
    await ack()


async def _on_submission(ack: AsyncAck, context: AsyncBoltContext) -> None:
    call = _call(context)
    await ack(**(await _served(modals.submit(call, call.payload["view"]), _in_the_modal) or {}))


async def _on_closed(ack: AsyncAck) -> None:
    await ack()


def _call(context: AsyncBoltContext) -> Call:
    call: Call = context[CALL]
    return call


async def _served(work: Awaitable[Answer | None], failed: Callable[[Exception], Answer]) -> Answer | None:
    """The answer to what somebody did, a failure in words; None where it comes later, and for a replay."""
    try:
        return await work
    except Replayed:
        return None
    except Exception as error:  # noqa: BLE001 -- the process edge: the person is told, the log has the trace
        return failed(error)


def _in_the_modal(error: Exception) -> Json:
    known = sentence_of(error) if isinstance(error, NomatronError) else None
    return modals.errors(known or failure(error).text)
