"""What tests of locks do again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.locks import Lock, Target
from bot.operations.locks import lock as locking
from bot.operations.locks import unlock as unlocking
from tests.builders import SAM

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from tests.fakes import World


def a_target(word: str = "production", **changes: Any) -> Target:
    """Production, because the database moves."""
    return Target(**{"word": word, "reason": "the database moves", **changes})


async def locked(world: World, word: str = "production", by: Actor = SAM, **changes: Any) -> Lock:
    """A lock that was placed."""
    done = await locking.lock(world.ports(), by, a_target(word, **changes))
    assert isinstance(done, Lock), done
    return done


async def unlocked(world: World, word: str = "production", by: Actor = SAM, **changes: Any) -> Lock:
    """A lock that was lifted."""
    target = a_target(word, **{"reason": "it has moved", **changes})
    done = await unlocking.unlock(world.ports(), by, target)
    assert isinstance(done, Lock), done
    return done


async def locks(world: World) -> tuple[Lock, ...]:
    """The locks that nobody has ended."""
    async with world.store.read() as reading:
        return await reading.locks()
