"""Types of variables: read from their text, and values converted where Nomad converts."""

from __future__ import annotations

import pytest

from bot.domain.catalog.kind import ANY, Kind, Mismatch, convert, kind_of, text_of

LIST = "list(string)"
OBJECT = "object({a = string, b = number})"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("string", Kind("string")),
        ("list(number)", Kind("list", (Kind("number"),))),
        ("map(list(bool))", Kind("map", (Kind("list", (Kind("bool"),)),))),
        ("tuple([string, number])", Kind("tuple", (Kind("string"), Kind("number")))),
        ("tuple([])", Kind("tuple")),
        ('object({a = string, "b" = any})', Kind("object", (Kind("string"), ANY), ("a", "b"))),
        ("object({a = string b = number,})", Kind("object", (Kind("string"), Kind("number")), ("a", "b"))),
        ("", ANY),
        ("list", ANY),
        ("list(", ANY),
        ("list(string))", ANY),
        ("list(strin)", ANY),
        ("object({a string})", ANY),
        ("object({a = optional(string)})", ANY),
        ("list(" * 2000, ANY),
        ("var.x", ANY),
    ],
)
def test_a_type_is_read_and_what_is_none_takes_anything(text: str, kind: Kind):
    assert kind_of(text) == kind
    assert kind.is_collection is (kind.name not in {"any", "string"})


@pytest.mark.parametrize(
    ("kind", "value", "converted"),
    [
        ("string", "x", "x"),
        ("string", 3, "3"),
        ("string", 1.5, "1.5"),
        ("string", True, "true"),
        ("string", False, "false"),
        ("string", None, None),
        ("number", 3, 3),
        ("number", "3", 3),
        ("number", "-3", -3),
        ("number", "1.50", 1.5),
        ("number", "3.0", 3),
        ("number", "1e3", 1000),
        ("bool", True, True),
        ("bool", "True", True),
        ("bool", "0", False),
        (LIST, ["a", 1], ["a", "1"]),
        ("set(number)", ("1", 2), [1, 2]),
        ("tuple([string, number])", [1, "2"], ["1", 2]),
        ("map(number)", {"a": "1"}, {"a": 1}),
        (OBJECT, {"b": "1", "a": 2}, {"a": "2", "b": 1}),
        ("any", [1], [1]),
    ],
)
def test_a_value_is_converted_as_nomad_does(kind: str, value, converted):
    found = convert(kind_of(kind), value)

    assert (found, type(found)) == (converted, type(converted))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", ["a"]),
        ("string", {"a": 1}),
        ("number", "lots"),
        ("number", ""),
        ("number", " 3"),
        ("number", "٣"),
        ("number", "0x10"),
        ("number", "inf"),
        ("number", "1e999"),
        ("number", True),
        ("number", 2**53),
        ("number", []),
        ("bool", "maybe"),
        ("bool", 1),
        (LIST, "a"),
        (LIST, [["a"]]),
        (LIST, {"a": 1}),
        ("tuple([string])", ["a", "b"]),
        ("map(string)", ["a"]),
        ("map(string)", "a"),
        (OBJECT, {"a": "x"}),
        (OBJECT, {"a": "x", "b": 1, "c": 2}),
        (OBJECT, {"a": "x", "b": "y"}),
    ],
)
def test_what_nomad_would_refuse_is_a_mismatch(kind: str, value):
    with pytest.raises(Mismatch):
        convert(kind_of(kind), value)


def test_only_plain_values_have_a_text():
    assert [text_of(each) for each in ("a", 1, True)] == ["a", "1", "true"]
    with pytest.raises(Mismatch):
        text_of(None)
