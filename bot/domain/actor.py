"""The actors: people, pipelines, operators, and Nomatron itself. An actor is always passed as an argument."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlackUser:
    """A person in Slack, by team and user id; names and e-mail addresses never identify anyone."""

    team: str
    id: str

    @property
    def key(self) -> str:
        """``slack:T0TEAM:U0USER``."""
        return f"slack:{self.team}:{self.id}"


@dataclass(frozen=True, slots=True)
class CiIdentity:
    """A pipeline, by its token's issuer and subject; ``human`` is the Slack user id of its person, if known."""

    issuer: str
    subject: str
    human: str | None = None

    @property
    def key(self) -> str:
        """``ci:ISSUER|SUBJECT|HUMAN``."""
        return f"ci:{self.issuer}|{self.subject}|{self.human or ''}"


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at the host's command line, by the user name on that host."""

    name: str

    @property
    def key(self) -> str:
        """``operator:NAME``."""
        return f"operator:{self.name}"


@dataclass(frozen=True, slots=True)
class System:
    """Nomatron itself; ``part`` says which part of it acted (``worker``, ``expiry``, ...)."""

    part: str

    @property
    def key(self) -> str:
        """``system:PART``."""
        return f"system:{self.part}"


Actor = SlackUser | CiIdentity | Operator | System


def actor_from_key(key: str) -> Actor:
    """The actor with this ``key``; ``ValueError`` if it is not a key."""
    kind, _, rest = key.partition(":")
    match kind:
        case "slack":
            team, _, user = rest.partition(":")
            return SlackUser(team, user)
        case "ci":
            # only the subject can contain the separator (``auth0|…``), because an issuer is a URL and a human an id
            issuer, _, named = rest.partition("|")
            subject, _, human = named.rpartition("|")
            return CiIdentity(issuer, subject, human or None)
        case "operator":
            return Operator(rest)
        case "system":
            return System(rest)
        case _:
            raise ValueError(f"not an actor's key: {key!r}")


def human_behind(actor: Actor) -> str | None:
    """The Slack user id of the person who acts; None if it is not known, or no person."""
    match actor:
        case SlackUser(id=user):
            return user
        case CiIdentity(human=human):
            return human
        case _:
            return None
