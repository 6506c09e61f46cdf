"""The objects that all parts of the simulated Slack share: state, trigger ids, limits and the address."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.slack.state import ResponseUrl

if TYPE_CHECKING:
    from sandbox.slack.state import State
    from sandbox.slack.tiers import RateLimits
    from sandbox.slack.triggers import TriggerBook
    from sandbox.slack.workspace import Workspace

RESPONSE_URL_LIFETIME = 30 * 60.0


@dataclass
class World:
    """One simulated Slack; `base` is its URL without a slash at the end, set when it listens."""

    state: State
    triggers: TriggerBook
    limits: RateLimits
    base: str = ""

    @property
    def workspace(self) -> Workspace:
        """The team, its people and the app."""
        return self.state.workspace

    def issue_response_url(
        self,
        kind: str,
        user: str,
        channel: str,
        *,
        message_ts: str | None = None,
        ephemeral: str | None = None,
    ) -> str:
        """A new response_url; `kind` is "commands" or "actions" as in Slack's own URLs."""
        # The last part is a secret: anyone with the URL may post, so nobody must be able to guess it.
        key = f"{kind}/{self.workspace.team_id}/{secrets.randbelow(10**13)}/{secrets.token_urlsafe(18)}"
        self.state.response_urls[key] = ResponseUrl(
            key=key,
            channel=channel,
            user=user,
            expires=self.state.now() + RESPONSE_URL_LIFETIME,
            message_ts=message_ts,
            ephemeral=ephemeral,
        )
        return f"{self.base}/hooks/{key}"
