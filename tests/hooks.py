"""What else happens around the calls of a fake: somebody is quicker, a process dies, the database goes away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Act = Callable[[], Awaitable[object]] | BaseException | None
"""Something to happen; None lets one call through. What is raised, or is an exception, is how the call fails."""

_KNOWN = {"begin", "commit", "read"}
"""The calls that have hooks, so that a misspelt one fails; ``hooked`` adds those of the methods that it is put on."""


class Hooks:
    """Acts before and after the calls of one fake, by the name of the call.

    An act serves the next call alone, unless it is there for ``always``; several for the same moment serve one call
    each, in order. An act that was begun is used up, so what it calls itself meets the next one or none.
    """

    def __init__(self) -> None:
        self._next: defaultdict[tuple[str, str], list[Act]] = defaultdict(list)
        self._always: dict[tuple[str, str], Act] = {}

    def before(self, call: str, *acts: Act, always: bool = False) -> None:
        """The call has not had any effect yet when this happens; where it raises, it never will."""
        self._add("before", call, acts, always=always)

    def after(self, call: str, *acts: Act, always: bool = False) -> None:
        """The call has done what it does, or failed, and its caller does not know yet."""
        self._add("after", call, acts, always=always)

    def _add(self, when: Literal["before", "after"], call: str, acts: tuple[Act, ...], *, always: bool) -> None:
        assert call in _KNOWN, f"{call} has no hooks"
        if always:
            (self._always[when, call],) = acts
        else:
            self._next[when, call] += acts

    async def happen(self, when: Literal["before", "after"], call: str) -> None:
        """Let happen what was meant for this moment."""
        waiting = self._next[when, call]
        act = waiting.pop(0) if waiting else self._always.get((when, call))
        if isinstance(act, BaseException):
            raise act
        if act is not None:
            await act()


def hooked(call: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """A method of a class with ``hooks``, which happen around it."""
    _KNOWN.add(call.__name__)

    @wraps(call)
    async def around(*args: P.args, **kwargs: P.kwargs) -> T:
        hooks: Hooks = args[0].hooks  # type: ignore[attr-defined]  # the fake itself
        await hooks.happen("before", call.__name__)
        try:
            return await call(*args, **kwargs)
        finally:
            await hooks.happen("after", call.__name__)

    return around
