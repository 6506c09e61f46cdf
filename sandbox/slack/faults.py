"""Faults of the Web API that the control interface can set: no answers, slow ones, refusals and lost answers."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.slack.refusals import ControlError

MODES = ("silent", "slow", "429", "500", "html", "lost")
EVERYTHING = "*"


@dataclass
class Fault:
    """One fault; `seconds` of delay or Retry-After, and how many `times` it happens (None for no limit)."""

    mode: str
    seconds: float = 1.0
    times: int | None = None


class FaultTable:
    """The faults by method, `response_url` or `upload`; `*` means all of them and applies last."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def put(self, method: str, mode: str, seconds: float = 1.0, times: int | None = None) -> None:
        """Set a method's fault; the mode `none` removes it, or all faults for `*`."""
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
        """The fault for this call, counted down; None if the call should succeed."""
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
        """The current faults as JSON for the page."""
        return [
            {"method": method, "mode": one.mode, "seconds": one.seconds, "times": one.times}
            for method, one in sorted(self._faults.items())
        ]
