"""All errors, as one tree. A rule that refuses something is no error but a ``Refused`` (``bot.domain.decision``).

::

    NomatronError
    ├── IllegalTransition        a state change that is not in the table: a bug, never a user's fault
    ├── SettingsInvalid          a setting in the environment cannot be used
    ├── CatalogInvalid           the catalog folder has errors
    ├── CatalogMissing           no catalog has been applied yet
    ├── TargetGone               the catalog no longer deploys that service there
    ├── StoreError
    │   ├── StoreBusy            locked for longer than we wait: nothing was written, try again
    │   ├── StoreFull            no room: nothing was written
    │   ├── StoreUnavailable     the database cannot be reached
    │   ├── AmbiguousCommit      the commit may or may not have happened
    │   ├── StaleFence           another worker took the work over: nothing was written
    │   └── Replayed             this Slack request was accepted before: nothing was written
    ├── NomadError
    │   ├── NomadUnavailable     no usable answer, so nothing is known
    │   ├── NomadForbidden       the token may not do this, or is unknown
    │   └── NomadRefused         Nomad refuses the job, in its own words
    └── SlackError
        ├── SlackUnavailable     no usable answer, or a rate limit: try again
        ├── MembershipUnknown    Slack's groups are unavailable: nobody counts
        └── SlackRefused         Slack refuses, for a reason that none of the classes below names: do not try again
            ├── ChannelGone      nothing can be posted to that channel: post elsewhere
            ├── MessageGone      that message cannot be changed or replied to: post a new one
            ├── BlocksRefused    Slack does not take the message in any form that was tried
            ├── FileRefused      Slack will never take that file
            ├── PlanRequired     the workspace's Slack plan does not include the feature
            └── AppRefused       Slack refuses the app itself: try again after somebody has fixed the app
                ├── TokenRefused     the bot token is not valid
                └── ScopeMissing     the bot token lacks a scope
"""

from __future__ import annotations

from typing import ClassVar, Final

BUGS: Final = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a bug of ours or of a library raises, where it must cost no more than one piece of work."""


class NomatronError(Exception):
    """Root of all our errors; ``code`` is stable, and each surface has a presentation for it."""

    code: ClassVar[str] = "error"


class IllegalTransition(NomatronError):
    """A state change outside the table of ``bot.domain.deploy.deploy``."""

    code = "illegal-transition"


class SettingsInvalid(NomatronError):
    """The settings cannot be used; the text names each problem and its fix."""

    code = "settings-invalid"


class CatalogInvalid(NomatronError):
    """The catalog has errors; the text has a line for each."""

    code = "catalog-invalid"


class CatalogMissing(NomatronError):
    """There is no active catalog, because ``nomatron apply`` has never succeeded on this database."""

    code = "catalog-missing"


class TargetGone(NomatronError):
    """The active catalog no longer deploys that service to that environment, so nothing can be decided about it."""

    code = "target-gone"


class StoreError(NomatronError):
    """The database could not do what we needed."""

    code = "store"


class StoreBusy(StoreError):
    """Locked for longer than we wait; nothing was written."""

    code = "store-busy"


class StoreFull(StoreError):
    """The disk or the database is full; nothing was written."""

    code = "store-full"


class StoreUnavailable(StoreError):
    """The database cannot be reached; nothing was written."""

    code = "store-unavailable"


class AmbiguousCommit(StoreError):
    """The commit may have happened; an idempotency key settles it."""

    code = "ambiguous-commit"


class StaleFence(StoreError):
    """The lease was lost to another worker; nothing was written."""

    code = "stale-fence"


class Replayed(StoreError):
    """The same signed Slack request was accepted before; nothing was written."""

    code = "replayed"


class NomadError(NomatronError):
    """Nomad did not do what was requested."""

    code = "nomad"


class NomadUnavailable(NomadError):
    """Nomad gave no usable answer: time-out, connection refused, no leader, 429, HTML. Nothing is known."""

    code = "nomad-unavailable"


class NomadForbidden(NomadError):
    """403: the token is unknown or lacks a capability."""

    code = "nomad-forbidden"


class NomadRefused(NomadError):
    """Nomad refuses the job. ``lines`` are its words, flattened, with the jobspec's line if Nomad named one.

    ``by`` is "Nomatron" if Nomad was not even asked, because Nomatron's own rules refuse the values.
    """

    code = "nomad-refused"

    def __init__(self, *lines: str, by: str = "Nomad") -> None:
        super().__init__("; ".join(lines))
        self.lines = lines
        self.by = by


class SlackError(NomatronError):
    """Slack did not do what was requested.

    ``plainer``: Slack had refused a richer form of the same message just before this error.
    """

    code = "slack"
    plainer: bool = False


class SlackUnavailable(SlackError):
    """No usable answer. ``retry_after`` is Slack's wish in seconds; ``sent``: Slack may have done it anyway."""

    code = "slack-unavailable"

    def __init__(self, text: str, *, retry_after: float | None = None, sent: bool = False) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.sent = sent


class SlackRefused(SlackError):
    """Slack refuses. The subclasses say what the caller can do; for any other refusal that is unknown.

    ``error`` is Slack's code (``channel_not_found``, ...): for people and logs. Only the Slack gateway compares it.
    """

    code = "slack-refused"

    def __init__(self, error: str, detail: str = "") -> None:
        super().__init__(f"{error}: {detail}" if detail else error)
        self.error = error
        self.detail = detail


class ChannelGone(SlackRefused):
    """Nothing can be posted to the channel: it is deleted or archived, the app is not in it, or posting is restricted.

    Post somewhere else.
    """

    code = "slack-channel-gone"


class MessageGone(SlackRefused):
    """The message is deleted, or may no longer be changed or replied to. Post a new one."""

    code = "slack-message-gone"


class BlocksRefused(SlackRefused):
    """Slack refuses the message's blocks, or its length. The gateway has already tried each plainer form there is."""

    code = "slack-blocks-refused"


class FileRefused(SlackRefused):
    """Slack will never take this file. ``lacks_scope``: because the app has no scope to upload files."""

    code = "slack-file-refused"

    def __init__(self, error: str, detail: str = "", *, lacks_scope: bool = False) -> None:
        super().__init__(error, detail)
        self.lacks_scope = lacks_scope


class PlanRequired(SlackRefused):
    """The workspace's Slack plan does not include the feature, such as user groups."""

    code = "slack-plan-required"


class AppRefused(SlackRefused):
    """Slack refuses the app, whatever it sends. The same call may work after somebody has fixed the app: try later."""

    code = "slack-app-refused"


class TokenRefused(AppRefused):
    """The bot token is missing, wrong, expired or revoked."""

    code = "slack-token-refused"


class ScopeMissing(AppRefused):
    """The bot token lacks a scope; ``detail`` names it if Slack did."""

    code = "slack-scope-missing"


class MembershipUnknown(SlackError):
    """Slack did not say who is in a group or who a person is. Nobody counts until it does."""

    code = "membership-unknown"
