"""A change that is written once, also where nobody can say at first whether it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bot.errors import AmbiguousCommit, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.operations.deploys.origin import Origin
    from bot.ports import Ports
    from bot.ports.store import Transaction

Result = TypeVar("Result")


async def written(ports: Ports, origin: Origin, write: Callable[[Transaction], Awaitable[Result]]) -> Result:
    """Run ``write`` in one transaction, commit, and give its result.

    Where the commit's end is not known, the request's signature tells: it is written with the change. Where it is not
    there, neither is the change, and it is made once more. Raises ``AmbiguousCommit`` where that cannot be told.
    """
    try:
        async with ports.store.begin() as tx:
            result = await write(tx)
    except AmbiguousCommit as doubt:
        if await _is_known(ports, origin, doubt):
            return result
    else:
        return result
    async with ports.store.begin() as tx:
        return await write(tx)


async def _is_known(ports: Ports, origin: Origin, doubt: AmbiguousCommit) -> bool:
    if not origin.signature:
        raise doubt
    try:
        async with ports.store.read() as reading:
            return await reading.knows_request(origin.signature)
    except StoreError:
        raise doubt from None
