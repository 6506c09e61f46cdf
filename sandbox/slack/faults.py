"""Faults put on the Web API by hand: silence, slowness, refusals and answers that get lost on the way."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.slack.refusals import ControlError

MODES = ("silent", "slow", "429", "500", "html", "lost")
EVERYTHING = "*"


@dataclass
class Fault:
    """One fault; `seconds` of delay or Retry-After, `times` it strikes (None: until lifted)."""

    mode: str
    seconds: float = 1.0
    times: int | None = None


class FaultTable:
    """Which fault stands on which method, on `response_url` or on `upload`; `*` is all of them, and goes last."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def put(self, method: str, mode: str, seconds: float = 1.0, times: int | None = None) -> None:
        """Put a fault on a method; mode `none` lifts it, and lifts all of them for `*`."""
        if mode == "none":
            self._lift(method)
            return
        if mode not in MODES and not mode.startswith("error:"):
            raise ControlError(f"There is no fault {mode!r}. Choose none, {', '.join(MODES)} or error:NAME.", 400)
        self._faults[method] = Fault(mode, seconds, times)

    def _lift(self, method: str) -> None:
        if method == EVERYTHING:
            self._faults.clear()
        self._faults.pop(method, None)

    def strike(self, method: str) -> Fault | None:
        """The fault that hits this call, counted down; None when the call is to go well."""
        key = method if method in self._faults else EVERYTHING
        fault = self._faults.get(key)
        if fault is None:
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self._faults[key]
        return fault

    def standing(self) -> list[dict[str, object]]:
        """The faults in force, for the page."""
        return [
            {"method": method, "mode": one.mode, "seconds": one.seconds, "times": one.times}
            for method, one in sorted(self._faults.items())
        ]
