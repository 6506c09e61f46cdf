"""YAML as a tree that knows its lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gateways.catalog.tree import MOST_NODES, Node, parse_tree


def tree(text: str) -> Node:
    found, issues = parse_tree("a.yaml", text.encode())
    assert issues == []
    assert found is not None
    return found


def messages(text: str | bytes) -> list[str]:
    return [str(issue) for issue in parse_tree("a.yaml", text.encode() if isinstance(text, str) else text)[1]]


def test_plain_kinds_are_those_of_json():
    text = (
        "{a: 1, b: 1.5, c: true, d: yes, e: ~, f: 010, g: 0x1F, h: 1_000, i: 2026-12-20, j: -.5, k: '7', l: [{m: n}]}"
    )

    assert tree(text).plain() == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": "yes",
        "e": None,
        "f": 10,
        "g": 31,
        "h": 1000,
        "i": "2026-12-20",
        "j": -0.5,
        "k": "7",
        "l": [{"m": "n"}],
    }


def test_an_entry_stands_on_the_line_of_its_key_and_an_item_on_its_own():
    root = tree("a:\n  b:\n    - x\n    - c: |\n        text\n")

    paths: list[list[str | int]] = [["a"], ["a", "b"], ["a", "b", 0], ["a", "b", 1, "c"]]

    assert [root.at(path).line for path in paths] == [1, 2, 3, 4]


def test_a_path_that_leads_nowhere_ends_at_the_last_thing_on_it():
    root = tree("a:\n  b: 1\n")

    assert root.at(["a", "c", "d"]).line == 1
    assert root.at(["a", "b", 0]).line == 2
    assert root.at([5]) is root


def test_an_empty_file_is_a_tree_of_nothing():
    assert tree("").plain() is None
    assert tree("# only this\n").plain() is None


def test_an_alias_is_what_it_stands_for():
    assert tree("a: &x {k: v}\nb: *x\n").plain() == {"a": {"k": "v"}, "b": {"k": "v"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3: `a` is set twice (first on line 1); remove one of them"),
        ("a: &x [*x]\n", "a.yaml:1: this alias contains itself; write the value out"),
        ("b: {k: v}\n<<: {c: d}\n", "a.yaml:2: merge keys (`<<`) are not supported; write the keys out"),
        ("\n1: x\n", "a.yaml:2: a key must be text, not '1'; put it in quotes"),
        ("é: x\n", "a.yaml:1: the key 'é' is not plain ASCII; rename it"),
        ("a:\n  b: .nan\n", "a.yaml:2: '.nan' cannot be written in JSON; write a finite number, or put it in quotes"),
        ('a: {$float: "x"}\n', "a.yaml:1: the key `$float` is reserved; rename it"),
        ("a: 1e999\n", "a.yaml:1: '1e999' cannot be written in JSON; write a finite number, or put it in quotes"),
        ("a: 9007199254740992\n", "a.yaml:1: '9007199254740992' is too large for a JSON number; put it in quotes"),
        ("a: 0x_\n", "a.yaml:1: '0x_' is not a whole number; put it in quotes if it is text"),
        ("a: !secret x\n", "a.yaml:1: 'x' has an unsupported type; put it in quotes if it is text"),
        ("a: !secret [x]\n", "a.yaml:1: unknown tag !secret; remove it"),
        (
            "%YAML 1.1\n---\na: yes\n",
            "a.yaml:3: 'yes' has an unsupported type; put it in quotes if it is text",
        ),
        (
            'a: "\\0"\n',
            "a.yaml:1: this text contains a NUL or half a character, which a database cannot store; remove it",
        ),
        (
            'a: "\\ud800"\n',
            "a.yaml:1: this text contains a NUL or half a character, which a database cannot store; remove it",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "a.yaml:2: not YAML: but found another document; correct the syntax, then check again for other errors",
        ),
        (
            "a: *nothing\n",
            (
                "a.yaml:1: not YAML: found undefined alias 'nothing'; correct the syntax, then check again for other "
                "errors"
            ),
        ),
        (b"a: 1\nb: \xff\n", "a.yaml:2: the file is not UTF-8; save it as UTF-8"),
        (
            "a: \x01\n",
            "a.yaml:1: not YAML: unacceptable character #x0001: special characters are not allowed; correct the syntax",
        ),
        pytest.param("[" * 1000, "a.yaml:1: the YAML is nested too deeply; flatten it", marks=pytest.mark.no_cover),
        ("#" * 1_048_577, "a.yaml:1: this file is larger than 1048576 bytes; split it"),
    ],
)
def test_what_cannot_be_read_is_an_issue_with_its_line(text, expected):
    assert messages(text) == [expected]


def test_all_issues_of_a_file_are_reported_together():
    assert len(messages("a: .inf\nb: !x y\nb: 2\n3: 4\n")) == 4


def test_aliases_do_not_unfold_without_end():
    text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))

    assert f"has more than {MOST_NODES} values" in messages(text)[0]


json_kinds = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\x7f\ufeff\u2028\u2029")
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.from_regex(r"[a-zA-Z_-]{1,8}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_kinds)
def test_json_is_read_as_json(value):
    assert tree(json.dumps(value, ensure_ascii=False)).plain() == value


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(data):
    found, issues = parse_tree("a.yaml", data)

    assert found is not None or issues
