"""Reads what ``variable`` blocks declare, and what their validations and the job say about a variable's values.

All of it is read from the text, without evaluating anything: a condition that is not one of a few known forms stays
text, and Nomad's parse decides.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bot.domain.canonical import LARGEST_INTEGER
from bot.domain.catalog.kind import Kind, Mismatch, convert
from bot.domain.catalog.variable import Bound, Declaration, Validation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bot.domain.catalog.environment import Value

WHOLE: Final = frozenset(
    {"attempts", "canary", "cores", "count", "cpu", "max", "max_files", "max_file_size", "max_parallel", "memory",
     "memory_max", "min", "priority", "size", "static", "to"}
)  # fmt: skip
"""The attributes of a job that take whole numbers only."""

_OPAQUE: Final = frozenset({"config", "env", "meta", "policy"})
"""Blocks whose attributes mean something to others than Nomad."""

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_CODE = re.compile(r"(?<!\$)\$\{|(?<!%)%\{")
_FLIPPED = {">=": "<=", ">": "<", "<=": ">=", "<": ">", "==": "=="}
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_LITERAL = re.compile(rf'"(?:[^"\\]|\\.)*"|{_NUMBER}|true|false')


def read_declarations(variables: Mapping[str, dict[str, Any]], job: dict[str, Any]) -> dict[str, Declaration]:
    """The declarations by name; ``variables`` and ``job`` are the bodies of these blocks as python-hcl2 reads them."""
    used = dict(_uses(job))
    scaled = list(_scaled(job))
    found = {}
    for name, body in variables.items():
        conditions = [_condition(each, name) for each in _validations(body)]
        bounds = [bound for each in conditions for bound in each.bounds]
        bounds += [bound for variable, limits in scaled if variable == name for bound in limits]
        declared = Declaration(
            type=_expression(body.get("type")),
            default=_plain(body.get("default")),
            description=_text(body.get("description")) or "",
            validations=tuple(
                Validation(_expression(each.get("condition")), _text(each.get("error_message")) or "")
                for each in _validations(body)
            ),
            whole=name in used or any(each.whole for each in conditions),
            bounds=tuple(dict.fromkeys(bounds)),
        )
        choices = [each.choices for each in conditions if _are_of(declared.kind, each.choices)]
        # one list is enough to refuse by: Nomad checks them all
        found[name] = replace(declared, choices=choices[0] if choices else ())
    return found


def _are_of(kind: Kind, choices: tuple[Value, ...]) -> bool:
    """Whether there are choices and all of them have the type: Nomad converts before it compares."""
    return bool(choices) and all(_fits(kind, each) for each in choices)


def _fits(kind: Kind, choice: Value) -> bool:
    try:
        # `1` and `true` are equal in Python
        return type(convert(kind, choice)) is type(choice)
    except Mismatch:
        return False


def _validations(body: dict[str, Any]) -> list[dict[str, Any]]:
    found = body.get("validation")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


# --- values and texts ------------------------------------------------------------------------------------------------


def _expression(value: Any) -> str:
    """The text of an expression: python-hcl2 writes it as ``${...}``."""
    text = value if isinstance(value, str) else ""
    return text[2:-1].strip() if text.startswith("${") and text.endswith("}") else text


def _text(value: Any) -> str | None:
    """The text that a quoted literal means; None if it is no literal, or contains code."""
    if not isinstance(value, str) or len(value) < 2 or not (value[0] == value[-1] == '"') or value[1:3] == "<<":
        return None
    inner = value[1:-1]
    if _CODE.search(inner):
        return None
    text = _ESCAPE.sub(_unescape, inner).replace("$${", "${").replace("%%{", "%{")
    # half a character can come of an escape, and no database stores it
    return text.encode("utf-8", "replace").decode("utf-8")


def _unescape(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    if number:
        return chr(min(int(number, 16), 0x10FFFF))
    return _ESCAPED.get(match[3], match[3])


def _plain(value: Any) -> Value:
    """A default as a plain value; None if it is an expression, or could not be stored with the catalog."""
    try:
        return _value(value)
    except ValueError:
        return None


def _value(value: Any) -> Value:
    match value:
        case None | bool() | float():
            return value
        case int() if abs(value) <= LARGEST_INTEGER:
            return value
        case list():
            return [_value(each) for each in value]
        case dict():
            return {_key(key): _value(each) for key, each in value.items()}
        case _:
            text = _text(value)
            if text is None:
                raise ValueError("no plain value")
            return text


def _key(key: Any) -> str:
    text = str(key).strip('"')
    # audit and catalog fingerprints have ASCII keys only, and `$float` is how documents write a fraction
    if not re.fullmatch(r"[\x20-\x7e]+", text) or "$" in text:
        raise ValueError("no plain key")
    return text


# --- conditions ------------------------------------------------------------------------------------------------------


class _Condition:
    """What a validation's condition says about one variable, as far as it was read: all of its terms must hold."""

    def __init__(self) -> None:
        self.bounds: list[Bound] = []
        self.choices: tuple[Value, ...] = ()
        self.whole = False


def _condition(validation: dict[str, Any], name: str) -> _Condition:
    found = _Condition()
    for term in _terms(_expression(validation.get("condition"))):
        _read_term(term, re.escape(f"var.{name}"), found)
    return found


def _terms(text: str) -> Iterator[str]:
    """The terms that are joined by ``&&``; a text with an ``||`` around them is one term."""
    text = _unwrapped(text)
    parts = [text] if len(_split(text, "||")) > 1 else _split(text, "&&")
    if len(parts) == 1:
        yield text
        return
    for part in parts:
        yield from _terms(part)


def _unwrapped(text: str) -> str:
    """The text without the parentheses around all of it."""
    text = text.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing(text: str) -> int:
    """The index of the parenthesis that closes the first one; -1 if none does."""
    return next((index for index, depth in _depths(text) if depth == 0), -1)


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """Each index outside quotes, with how many brackets are open after it."""
    depth, quoted, skip = 0, False, False
    for index, character in enumerate(text):
        if skip or (quoted and character == "\\"):
            skip = not skip
            continue
        quoted ^= character == '"'
        if not quoted and character != '"':
            depth += (character in "([{") - (character in ")]}")
            yield index, depth


def _split(text: str, mark: str) -> list[str]:
    """The parts of a text between the marks that are in no brackets and quotes."""
    cuts = [index for index, depth in _depths(text) if depth == 0 and text.startswith(mark, index)]
    begins = [0, *(cut + len(mark) for cut in cuts)]
    return [text[begin:end].strip() for begin, end in zip(begins, [*cuts, len(text)], strict=True)]


def _read_term(term: str, variable: str, into: _Condition) -> None:
    if re.fullmatch(rf"floor\({variable}\) == {variable}|{variable} == floor\({variable}\)|{variable} % 1 == 0", term):
        into.whole = True
        return
    listed = re.fullmatch(rf"contains\(\[(.*)\], {variable}\)", term, re.DOTALL)
    either = [re.fullmatch(rf"{variable} == ({_LITERAL.pattern})", _unwrapped(each)) for each in _split(term, "||")]
    if listed:
        into.choices = into.choices or _literals(_split(listed[1], ","))
    elif all(either):
        into.choices = into.choices or _literals([each[1] for each in either if each])
    else:
        into.bounds += _bounds(term, variable)


def _literals(texts: Iterable[str]) -> tuple[Value, ...]:
    """The values of literals; nothing if one of them is no literal."""
    # `["a", "b",]` ends with nothing
    found = [each for each in texts if each]
    if not all(_LITERAL.fullmatch(each) for each in found):
        return ()
    return tuple(_literal(each) for each in found)


def _literal(text: str) -> Value:
    if text.startswith('"'):
        return _text(text)
    return text == "true" if text in {"true", "false"} else _number(text)


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _bounds(term: str, variable: str) -> Iterator[Bound]:
    """The bound in ``var.count >= 1`` or ``1 <= var.count``."""
    found = re.fullmatch(rf"{variable} (>=|>|<=|<) ({_NUMBER})", term)
    if found:
        yield Bound(found[1], _number(found[2]))
    found = re.fullmatch(rf"({_NUMBER}) (>=|>|<=|<) {variable}", term)
    if found:
        yield Bound(_FLIPPED[found[2]], _number(found[1]))


# --- the job ---------------------------------------------------------------------------------------------------------


def _variable(value: Any) -> str:
    """The name in ``${var.NAME}``; empty for anything else."""
    found = re.fullmatch(r"\$\{var\.([A-Za-z_][\w-]*)\}", value) if isinstance(value, str) else None
    return found[1] if found else ""


def _bodies(block: Any, kind: str = "job") -> Iterator[tuple[str, dict[str, Any]]]:
    """All blocks inside a block, each with its kind."""
    if isinstance(block, list):
        for each in block:
            yield from _bodies(each, kind)
    elif isinstance(block, dict):
        yield kind, block
        for key, each in block.items():
            if key not in _OPAQUE:
                # a label is a mapping inside: `"web": {...}` is of the same kind
                yield from _bodies(each, kind if key.startswith('"') else key)


def _uses(job: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The variables that the job uses as they are where it needs a whole number, each with the attribute."""
    for _, body in _bodies(job):
        for key, value in body.items():
            if key in WHOLE and _variable(value):
                yield _variable(value), key


def _scaled(job: dict[str, Any]) -> Iterator[tuple[str, list[Bound]]]:
    """The variables that are the count of a group with ``scaling``, each with the bounds of that."""
    for kind, body in _bodies(job):
        name = _variable(body.get("count")) if kind == "group" else ""
        scaling = body.get("scaling")
        for each in scaling if name and isinstance(scaling, list) else ():
            limits = ((">=", each.get("min")), ("<=", each.get("max"))) if isinstance(each, dict) else ()
            yield name, [Bound(sign, number) for sign, number in limits if type(number) is int]
