"""The exception with which the simulated Nomad refuses a call."""

from __future__ import annotations


class Refused(Exception):
    """Any answer but a 200: its HTTP status, and its text exactly as Nomad has it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def several(problems: list[str]) -> str:
    """Several errors in one text, formatted as Nomad does."""
    noun = "error" if len(problems) == 1 else "errors"
    listed = "".join(f"\t* {problem}\n" for problem in problems)
    return f"{len(problems)} {noun} occurred:\n{listed}\n"
