"""A template's variables: what their ``variable`` blocks declare, and whether a value fits."""

from __future__ import annotations

import json
import operator
import re
from dataclasses import dataclass

from bot.domain.catalog.environment import Value
from bot.domain.catalog.kind import ANY, NUMBER, Kind, Mismatch, convert, kind_of

_SIGNS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


@dataclass(frozen=True, slots=True)
class Validation:
    """A ``validation`` block as text: Nomad's parse evaluates it, whether or not we could read it."""

    condition: str
    message: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit of a number; ``sign`` is one of ``>=``, ``>``, ``<=`` and ``<``."""

    sign: str
    number: int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A ``variable`` block. ``type`` is as written, empty if it has none; ``default`` is None if it is no plain value.

    ``whole``, ``bounds`` and ``choices`` are the part of the validations, and of the variable's use in the job, that we
    could read. A value that breaks them is refused by Nomad for certain; one that keeps them may still be refused.
    """

    type: str = ""
    default: Value = None
    description: str = ""
    validations: tuple[Validation, ...] = ()
    whole: bool = False
    bounds: tuple[Bound, ...] = ()
    choices: tuple[Value, ...] = ()

    @property
    def kind(self) -> Kind:
        """The declared type; ``number`` if that would take any text, and the job needs a whole number there."""
        declared = kind_of(self.type) if self.type else ANY
        return NUMBER if self.whole and declared.name in {"string", "any"} else declared

    def fit(self, value: Value) -> Value:
        """The value in the declared type; ``Mismatch`` if Nomad would refuse it."""
        found = convert(self.kind, value)
        if found is None:
            return None
        number = found if isinstance(found, int | float) else None
        if self.whole and isinstance(number, float):
            raise Mismatch
        if number is not None and not all(_SIGNS[each.sign](number, each.number) for each in self.bounds):
            raise Mismatch
        if self.choices and found not in self.choices:
            raise Mismatch
        return found

    def read(self, value: Value) -> Value:
        """The value of a request, which can write a list or a mapping only as JSON text; ``Mismatch`` like ``fit``."""
        if self.kind.is_collection and isinstance(value, str):
            try:
                value = json.loads(value, parse_constant=_no_constant)
            except (ValueError, RecursionError):
                raise Mismatch from None
        return self.fit(value)

    @property
    def takes(self) -> str:
        """The values that fit, in words that follow *takes*; empty if any text does."""
        if self.choices:
            return "one of " + ", ".join(f"`{shown(each)}`" for each in self.choices)
        match self.kind.name:
            case "number":
                return f"a {'whole ' if self.whole else ''}number{_between(self)}"
            case "bool":
                return "`true` or `false`"
            case "string" | "any":
                return ""
            case "map" | "object":
                return f'a value of type `{self.type}`, written as JSON such as `{{"a":1}}`'
            case _:
                return f'a value of type `{self.type}`, written as JSON such as `["a","b"]`'


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A variable that a request may set, for a form: what it takes, and its value if the request leaves it out."""

    name: str
    takes: str
    longest: int
    description: str = ""
    otherwise: str = ""


def shown(value: Value) -> str:
    """A value as people write it in a request."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _between(declared: Declaration) -> str:
    """`` from 1 to 10``; empty without bounds."""
    bounds = [_closed(each) if declared.whole else each for each in declared.bounds]
    low = max((each for each in bounds if each.sign in {">=", ">"}), key=lambda each: each.number, default=None)
    high = min((each for each in bounds if each.sign in {"<=", "<"}), key=lambda each: each.number, default=None)
    if low and high and (low.sign, high.sign) == (">=", "<="):
        return f" from {low.number} to {high.number}"
    words = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than"}
    found = " and ".join(f"{words[each.sign]} {each.number}" for each in (low, high) if each)
    return f" of {found}" if found else ""


def _closed(bound: Bound) -> Bound:
    """The same limit for whole numbers, with the limit itself included."""
    step = {">": 1, "<": -1}.get(bound.sign)
    return Bound(bound.sign + "=", bound.number + step) if step and isinstance(bound.number, int) else bound


_NAME_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")
_SECRET_WORDS = re.compile(
    r".*(?:password|passwd|passphrase|secret|credential)s?|(?:auth|access|api|private|secret)?(?:token|key)"
)
_KEYS = {"key", "keys"}
_WHOSE = {"access", "api", "private", "secret", "encryption", "signing"}


def is_secret_name(name: str) -> bool:
    """Whether a variable's name says that its value is a secret, such as ``db_password`` or ``apiKey``."""
    parts = [each.casefold() for each in _NAME_WORDS.findall(name)]
    for before, part in zip(["", *parts], parts, strict=False):
        if part in _KEYS:
            if before in _WHOSE:
                return True
        elif part == "pwd" or _SECRET_WORDS.fullmatch(part):
            return True
    return parts[-1:] == ["pass"]
