"""How the simulated Nomad says no."""

from __future__ import annotations


class Refused(Exception):
    """An answer that is no 200: its status and its text, exactly as Nomad words it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def several(problems: list[str]) -> str:
    """Many errors in one text, in the form Nomad gives them."""
    noun = "error" if len(problems) == 1 else "errors"
    listed = "".join(f"\t* {problem}\n" for problem in problems)
    return f"{len(problems)} {noun} occurred:\n{listed}\n"
