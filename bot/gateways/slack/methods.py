"""The one table of Web API methods in use: their scopes and their budgets.

Scopes go from here into the manifest. Budgets follow Slack's tiers (https://docs.slack.dev/apis/web-api/rate-limits;
methods as in the official Java SDK's ``MethodsRateLimits``), kept a fifth below: a bucket may be full when it starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method: its bot scopes, calls a minute for the whole workspace, and whether it only reads.

    Methods that read take form parameters, the others JSON. ``per_channel`` adds one a second for each channel.
    """

    name: str
    scopes: tuple[str, ...]
    per_minute: int
    reads: bool = False
    per_channel: bool = False


TIER_2, TIER_3, TIER_4, SPECIAL = 20, 50, 100, 600

AUTH_TEST: Final = Method("auth.test", (), SPECIAL, reads=True)
BOTS_INFO: Final = Method("bots.info", ("users:read",), TIER_3, reads=True)
# chat:write.public posts to public channels that the app was never invited to
POST: Final = Method("chat.postMessage", ("chat:write", "chat:write.public"), SPECIAL, per_channel=True)
UPDATE: Final = Method("chat.update", ("chat:write",), TIER_3)
EPHEMERAL: Final = Method("chat.postEphemeral", ("chat:write",), TIER_4)
GROUPS: Final = Method("usergroups.list", ("usergroups:read",), TIER_2, reads=True)
GROUP_MEMBERS: Final = Method("usergroups.users.list", ("usergroups:read",), TIER_2, reads=True)
PERSON: Final = Method("users.info", ("users:read",), TIER_4, reads=True)
# views.* need no scope of their own
OPEN_VIEW: Final = Method("views.open", (), TIER_4)
# a file is announced, its bytes go to an address of their own, then it is shared (the way files.upload made room for);
# the first takes form parameters only, although it is no read
UPLOAD_URL: Final = Method("files.getUploadURLExternal", ("files:write",), TIER_4, reads=True)
SHARE_FILE: Final = Method("files.completeUploadExternal", ("files:write",), TIER_4)
CHANNEL: Final = Method("conversations.info", ("channels:read", "groups:read"), TIER_3, reads=True)

METHODS: Final = (
    AUTH_TEST, BOTS_INFO, POST, UPDATE, EPHEMERAL, GROUPS, GROUP_MEMBERS, PERSON, OPEN_VIEW, UPLOAD_URL, SHARE_FILE,
    CHANNEL,
)  # fmt: skip
