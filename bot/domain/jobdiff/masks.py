"""The lines in which two texts differ; in a hidden text, keys stay readable and values are masked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence

from bot.domain.jobdiff.redaction import looks_secret

MASK = "•••"

_LARGEST = 5_000
"""Most lines of a text that are compared line by line: the time for that grows with their square."""

_KEY = re.compile(
    r"""(?P<key>\s*(?:-\s+)?(?:(?:export|set|local)\s+)?["']?[A-Za-z_][\w./-]{0,63}["']?)(?P<sign>\s*(?:=>|:=|[=:])\s*)"""
)
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*|[a-z_]+(?:[._-][a-z_]+)*")
_ACTION = re.compile(r"\{\{.*?\}\}|[$%]\{[^{}]*\}")
_BRACKETS = re.compile(r"[\s{}()\[\],;]*")
_HEADING = re.compile(r"\[{1,2}[A-Za-z][A-Za-z_. -]{0,63}\]{1,2}\s*")
"""The heading of a section; a list of one value looks the same, so it has letters only and stands at the margin."""
_COMMAND = re.compile(r"\s*[a-z][a-z0-9_.-]{0,30}(?=\s)")
_LOOKUPS = (
    "connect", "env", "envOrDefault", "key", "keyExists", "keyOrDefault", "ls", "nomadService", "nomadServices",
    "nomadVar", "nomadVarExists", "nomadVarList", "nomadVarListSafe", "pkiCert", "safeLs", "secret", "secrets",
    "service", "services", "tree",
)  # fmt: skip
"""Functions of a template whose argument names what is read; any other text in it may be a value."""
_STRING = re.compile(rf"""(?P<before>\b(?:{"|".join(_LOOKUPS)})\s+)?(?P<text>"[^"]*"|`[^`]*`|'[^']*')""")


def changed_lines(old: str, new: str, *, hidden: bool, script: bool = False) -> tuple[str, ...]:
    """The lines that two texts do not share, each with ``-`` or ``+`` before it, in order.

    Two lines that look alike because their values are masked become one with ``~``. ``script``: the first word of a
    line is a command, which is shown too.
    """
    show: Callable[[str], str] = (lambda line: _masked(line, script=script)) if hidden else str
    return tuple(_lines(old.splitlines(), new.splitlines(), show))


def _lines(old: Sequence[str], new: Sequence[str], show: Callable[[str], str]) -> Iterator[str]:
    for before, now in _blocks(old, new):
        gone, came = [show(line) for line in before], [show(line) for line in now]
        for one, two in zip(gone, came, strict=False):
            if one == two:
                yield f"~{two}"
            else:
                yield from (f"-{one}", f"+{two}")
        yield from (f"-{line}" for line in gone[len(came) :])
        yield from (f"+{line}" for line in came[len(gone) :])


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The runs of lines that differ. Of very long texts, everything between the first and the last difference."""
    least = min(len(old), len(new))
    start = next((at for at in range(least) if old[at] != new[at]), least)
    end = next((at for at in range(least - start) if old[-1 - at] != new[-1 - at]), least - start)
    before, now = old[start : len(old) - end], new[start : len(new) - end]
    if len(before) > _LARGEST or len(now) > _LARGEST:
        yield before, now
        return
    for kind, one, two, three, four in difflib.SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        if kind != "equal":
            yield before[one:two], now[three:four]


def _masked(line: str, *, script: bool) -> str:
    """The line with its key, its brackets and the template's actions; everything else is masked."""
    if _BRACKETS.fullmatch(line) or (_HEADING.fullmatch(line) and not looks_secret(line)):
        return line
    found = _KEY.match(line)
    if found and _is_key(found["key"], line[found.end() :]):
        rest = line[found.end() :]
        return f"{found['key']}{found['sign']}{_value(rest)}"
    if script and (command := _COMMAND.match(line)) and not looks_secret(command[0]):
        return f"{command[0]} {_value(line[command.end() :].strip())}"
    indent = len(line) - len(line.lstrip())
    return line[:indent] + _value(line[indent:])


def _is_key(key: str, rest: str) -> bool:
    """Whether the word before a sign is a key. Without a value after it, it may as well be the end of a secret."""
    name = key.rsplit(maxsplit=1)[-1].strip("\"'")
    return not looks_secret(name) and (bool(rest.strip("= ")) or bool(_NAME.fullmatch(name)))


def _value(text: str) -> str:
    """A value: its actions (``{{ with nomadVar "x" }}``) are shown, the texts between them are not."""
    parts, at = [], 0
    for action in _ACTION.finditer(text):
        parts += [_hide(text[at : action.start()]), _action(action[0])]
        at = action.end()
    return "".join([*parts, _hide(text[at:])])


def _hide(text: str) -> str:
    bare = text.strip()
    if not bare or _BRACKETS.fullmatch(bare) or bare in {'"', "'", '",', "',"}:
        return text
    return text.replace(bare, MASK, 1)


def _action(action: str) -> str:
    shown = _STRING.sub(lambda found: found[0] if found["before"] else f'"{MASK}"', action)
    return f"{action[:2]}{MASK}{'}}' if action.startswith('{{') else '}'}" if looks_secret(shown) else shown
