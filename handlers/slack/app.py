"""The Bolt app behind the guard: every command, action and view, registered by name."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final, TypeVar

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import NomatronError, Replayed
from handlers.presentation import sentence_of
from handlers.slack import actions, modals
from handlers.slack.desk import deploy_ref
from handlers.slack.respond import failure, private, refusal
from handlers.slack.verbs import table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from slack_bolt.context.ack.async_ack import AsyncAck
    from slack_bolt.context.async_context import AsyncBoltContext

    from bot.gateways.blocks.parts import Json, Message
    from handlers.slack.decoding import Payload
    from handlers.slack.desk import Call, DeployRef

    Listener = Callable[[AsyncAck, AsyncBoltContext], Awaitable[None]]

Answer = TypeVar("Answer")
CALL: Final = "nomatron_call"
"""The key of our own ``Call`` in Bolt's context."""

_ANY: Final = re.compile("")


def register(app: AsyncApp) -> None:
    """Register every way in from Slack; another name is answered with *out of date*."""
    # Bolt tries listeners in this order (docs/slack-platform.md, "Bolt's listeners"): the command comes first
    app.command("/deploy")(_on_command)

    app.action("deploy.approve")(_card(actions.approve))
    app.action("deploy.reject")(_card(actions.reject))
    app.action("deploy.promote")(_card(actions.promote))
    app.action("deploy.rollback")(_card(actions.roll_back))
    app.action("deploy.menu")(_card(actions.menu))
    app.action("deploy.again")(_button(actions.again))
    app.action("page.older")(_on_page)
    app.action("page.newest")(_on_page)
    app.action("page.steps")(_on_page)

    app.view("deploy.reject")(_form(modals.reject))
    app.view("deploy.promote")(_form(modals.promote))
    app.view("deploy.rollback")(_form(modals.roll_back))
    app.view_closed("deploy.reject")(_on_closed)
    app.view_closed("deploy.promote")(_on_closed)
    app.view_closed("deploy.rollback")(_on_closed)

    # buttons and forms that an older or a newer version drew
    app.action(_ANY)(_on_unknown_action)
    app.view(_ANY)(_on_unknown_form)
    app.view_closed(_ANY)(_on_closed)


def build() -> AsyncApp:
    """The Bolt app. It verifies nothing (the guard has) and calls nothing: authorizing takes no ``auth.test``."""
    # Bolt warns that it will not use the token that it finds in the environment, which is intended
    logger = logging.getLogger(f"{__name__}.bolt")
    logger.setLevel(logging.ERROR)
    app = AsyncApp(
        name="nomatron",
        logger=logger,
        # never used: without one Bolt would read a token from the environment
        client=AsyncWebClient(),
        authorize=_authorize,
        # otherwise Bolt polls for the acknowledgement (docs/slack-platform.md, "Bolt's listeners")
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    register(app)
    return app


async def _authorize() -> AuthorizeResult:
    """The guard has checked which workspace and app this is; nothing here uses a token."""
    return AuthorizeResult(enterprise_id=None, team_id=None)


async def _on_command(ack: AsyncAck, context: AsyncBoltContext) -> None:
    answer = await _answer(table.answer(_call(context)), failure)
    await ack(**private(answer)) if answer else await ack()


def _card(serve: Callable[[Call, DeployRef], Awaitable[Message | None]]) -> Listener:
    """The listener of a button on a deploy's message."""

    async def serve_card(call: Call, ref: DeployRef) -> Message | None:
        answer = await serve(call, ref)
        # answers and thread notes have buttons too, but only a channel's message can be a stray one
        actions.adopt_strays(call, ref)
        return answer

    return _button(serve_card)


def _button(serve: Callable[[Call, DeployRef], Awaitable[Message | None]]) -> Listener:
    """The listener of a button that names a deploy."""

    async def listener(ack: AsyncAck, context: AsyncBoltContext) -> None:
        call = _call(context)
        ref = deploy_ref(actions.value_of(_action(call)))
        if ref is None:
            await _on_unknown_action(ack, context)
            return
        await _answer_click(ack, call, serve(call, ref))

    return listener


async def _on_page(ack: AsyncAck, context: AsyncBoltContext) -> None:
    call = _call(context)
    await _answer_click(ack, call, actions.turn_page(call, actions.value_of(_action(call))))


async def _on_unknown_action(ack: AsyncAck, context: AsyncBoltContext) -> None:
    _call(context).answer(refusal(actions.OUT_OF_DATE))
    await ack()


async def _answer_click(ack: AsyncAck, call: Call, work: Awaitable[Message | None]) -> None:
    answer = await _answer(work, failure)
    if answer is not None:
        call.answer(answer)
    await ack()


def _form(serve: Callable[[Call, Payload], Awaitable[Json | None]]) -> Listener:
    """The listener of a submitted form."""

    async def listener(ack: AsyncAck, context: AsyncBoltContext) -> None:
        call = _call(context)
        await ack(**(await _answer(serve(call, call.payload["view"]), _failure_in_form) or {}))

    return listener


async def _on_unknown_form(ack: AsyncAck) -> None:
    await ack(**modals.out_of_date())


async def _on_closed(ack: AsyncAck) -> None:
    await ack()


def _call(context: AsyncBoltContext) -> Call:
    call: Call = context[CALL]
    return call


def _action(call: Call) -> Payload:
    action: Payload = call.payload["actions"][0]
    return action


async def _answer(work: Awaitable[Answer | None], failed: Callable[[Exception], Answer]) -> Answer | None:
    """The answer, or a failure in words; None if the answer comes later, and for a replayed request."""
    try:
        return await work
    except Replayed:
        return None
    except Exception as error:  # noqa: BLE001 -- the process edge: the person is told, the log has the trace
        return failed(error)


def _failure_in_form(error: Exception) -> Json:
    known = sentence_of(error) if isinstance(error, NomatronError) else None
    return modals.errors(known or failure(error).text)
