"""The first deploys, before a newcomer looks: deploys checkout v1.4.1 to both environments through the bot.

Uses the simulated Slack's control interface as people's clients do: types commands and clicks buttons.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp

from sandbox import story
from sandbox.guide import Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.guide import DeployMessage

WAIT_SECONDS = 90.0
LOOK_EVERY_SECONDS = 0.2
REASON = "the first release"


class SeedError(Exception):
    """The bot did not do what the seed requested; says what the seed waited for, and what the bot said last."""


class Seeder:
    """Plays the seed in one simulated Slack. `tell` gets a line of progress before each part."""

    def __init__(
        self, slack: str, session: aiohttp.ClientSession, tell: Callable[[str], None], *, promotes: bool
    ) -> None:
        self._slack, self._session, self._tell, self._promotes = slack, session, tell, promotes

    async def play(self) -> None:
        """Returns when both environments run the version. Raises SeedError."""
        self._tell(f"deploying {story.SERVICE} {story.OLD} to staging")
        await self._request("staging", story.STAGING)
        there = await self._reach("staging", "Succeeded")
        if self._promotes:
            self._tell(f"waiting until {story.SERVICE} {story.OLD} has run in staging for a while")
            button = await self._wait_for(there.ts, "Promote…")
            self._tell(f"deploying {story.SERVICE} {story.OLD} to production")
            await self._promote(there.ts, button)
        else:
            self._tell(f"deploying {story.SERVICE} {story.OLD} to production")
            await self._request("production", story.PRODUCTION)
        waiting = await self._reach("production", "Approval needed")
        for person in (story.BOB, story.SAM):
            await self._approve(person, waiting.ts)
        await self._reach("production", "Succeeded")

    async def _request(self, environment: str, channel: str) -> None:
        text = f"{story.SERVICE} {story.OLD} to {environment} because {REASON}"
        await self._post("command", {"user": story.ALICE, "channel": channel, "command": "/deploy", "text": text})

    async def _promote(self, ts: str, button: dict[str, Any]) -> None:
        """Clicks the button, and fills in the form that it opens."""
        await self._click(story.ALICE, story.STAGING, ts, button)
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            views = (await self._view()).get("views")
            if views:
                values = {"reason": {"text": REASON}}
                await self._post("submit", {"user": story.ALICE, "view": views[-1]["id"], "values": values})
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise SeedError(f"staging: the button Promote… opened no form within {WAIT_SECONDS:.0f} s")

    async def _wait_for(self, ts: str, label: str) -> dict[str, Any]:
        """Waits for a button with that label on a message, and returns it. Raises SeedError after WAIT_SECONDS."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            found = _find_button(await self._message(ts), label)
            if found is not None:
                return found
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise SeedError(f"staging: no button {label} within {WAIT_SECONDS:.0f} s")

    async def _approve(self, person: str, ts: str) -> None:
        button = _find_button(await self._message(ts), "Approve")
        if button is None:
            raise SeedError("the message in #production has no Approve button")
        await self._click(person, story.PRODUCTION, ts, button)

    async def _click(self, person: str, channel: str, ts: str, button: dict[str, Any]) -> None:
        click = {"user": person, "channel": channel, "ts": ts}
        names = ("action_id", "block_id", "value")
        await self._post("action", click | {name: button[name] for name in names if name in button})

    async def _reach(self, environment: str, state: str) -> DeployMessage:
        """Waits until the newest deploy to that environment is in that state, and returns its message.

        Raises SeedError after WAIT_SECONDS, or as soon as the deploy ends in another way.
        """
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        last = "nothing"
        while asyncio.get_running_loop().time() < deadline:
            view = await self._view()
            messages = Scene({story.ALICE: view}, {}).deploys(story.SERVICE, story.OLD, environment)
            if messages and messages[-1].state == state:
                return messages[-1]
            if messages and messages[-1].state in {"Failed", "Invalid", "Rejected", "Nothing to do"}:
                raise SeedError(f"{environment}: {messages[-1].deploy} is {messages[-1].state}, not {state}")
            last = messages[-1].state if messages else _last_words(view)
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise SeedError(f"{environment}: no `{state}` within {WAIT_SECONDS:.0f} s. The bot's last words: {last}")

    async def _message(self, ts: str) -> dict[str, Any]:
        channels = (await self._view())["channels"]
        return next(message for channel in channels for message in channel["messages"] if message["ts"] == ts)

    async def _view(self) -> dict[str, Any]:
        async with self._session.get(f"{self._slack}/sandbox/state", params={"as": story.ALICE}) as answer:
            view: dict[str, Any] = await answer.json()
            return view

    async def _post(self, act: str, body: dict[str, Any]) -> None:
        async with self._session.post(f"{self._slack}/sandbox/{act}", json=body) as answer:
            if answer.status >= 400:
                raise SeedError(f"{act} by {body['user']} failed: {(await answer.text())[:300]}")


async def play(slack: str, tell: Callable[[str], None], *, promotes: bool = True) -> None:
    """Plays the whole seed in the simulated Slack at `slack`. Raises SeedError, whatever goes wrong.

    `promotes` says whether the catalog requires a version to run in staging before production.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        try:
            await Seeder(slack, session, tell, promotes=promotes).play()
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise SeedError(f"the simulated Slack does not answer: {problem!r}") from problem


def _find_button(message: dict[str, Any], label: str) -> dict[str, Any] | None:
    return next((found for found in _buttons(message["blocks"]) if found["text"]["text"] == label), None)


def _buttons(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        for element in [*block.get("elements", []), block.get("accessory") or {}]:
            if element.get("type") == "button":
                yield {"block_id": block.get("block_id"), **element}


def _last_words(view: dict[str, Any]) -> str:
    replies = view.get("ephemerals") or []
    return str(replies[-1].get("text", ""))[:300] if replies else "nothing"
