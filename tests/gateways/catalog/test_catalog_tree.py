"""YAML as a tree that knows its lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gateways.catalog.tree import MOST_NODES, Node, grow


def tree(text: str) -> Node:
    found, findings = grow("a.yaml", text.encode())
    assert findings == []
    assert found is not None
    return found


def trouble(text: str | bytes) -> list[str]:
    return [str(finding) for finding in grow("a.yaml", text.encode() if isinstance(text, str) else text)[1]]


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
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3: `a` is set twice (first on line 1); keep one of them"),
        ("a: &x [*x]\n", "a.yaml:1: an alias holds itself; write the value out"),
        ("b: {k: v}\n<<: {c: d}\n", "a.yaml:2: merge keys (`<<`) are not read; write the keys out"),
        ("\n1: x\n", "a.yaml:2: a key must be text, not '1'; put it in quotes"),
        ("é: x\n", "a.yaml:1: the key 'é' is not plain ASCII; rename it"),
        ("a:\n  b: .nan\n", "a.yaml:2: '.nan' is no number that JSON can say; write a finite one, or put it in quotes"),
        ('a: {$float: "x"}\n', "a.yaml:1: the key `$float` is reserved; rename it"),
        ("a: 1e999\n", "a.yaml:1: '1e999' is no number that JSON can say; write a finite one, or put it in quotes"),
        ("a: 9007199254740992\n", "a.yaml:1: '9007199254740992' is too large for JSON's numbers; put it in quotes"),
        ("a: 0x_\n", "a.yaml:1: '0x_' is no whole number; put it in quotes if it is text"),
        ("a: !secret x\n", "a.yaml:1: 'x' is of a kind that is not read here; put it in quotes if it is text"),
        ("a: !secret [x]\n", "a.yaml:1: the tag !secret is not known here; take it out"),
        (
            "%YAML 1.1\n---\na: yes\n",
            "a.yaml:3: 'yes' is of a kind that is not read here; put it in quotes if it is text",
        ),
        ('a: "\\0"\n', "a.yaml:1: this text holds a NUL or half a character, which no database keeps; take it out"),
        ('a: "\\ud800"\n', "a.yaml:1: this text holds a NUL or half a character, which no database keeps; take it out"),
        (
            "a: 1\n---\nb: 2\n",
            "a.yaml:2: not YAML: but found another document; mend the syntax, the rest is judged after that",
        ),
        (
            "a: *nothing\n",
            "a.yaml:1: not YAML: found undefined alias 'nothing'; mend the syntax, the rest is judged after that",
        ),
        (b"a: 1\nb: \xff\n", "a.yaml:2: this is not UTF-8; save the file as UTF-8"),
        (
            "a: \x01\n",
            "a.yaml:1: not YAML: unacceptable character #x0001: special characters are not allowed; mend the syntax",
        ),
        ("[" * 3000, "a.yaml:1: nested too deeply to be read; flatten it"),
        ("#" * 1_048_577, "a.yaml:1: this file has more than 1048576 bytes; split it"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_line(text, expected):
    assert trouble(text) == [expected]


def test_troubles_of_one_file_are_told_together():
    assert len(trouble("a: .inf\nb: !x y\nb: 2\n3: 4\n")) == 4


def test_aliases_do_not_unfold_without_end():
    text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))

    assert f"unfolds to more than {MOST_NODES} values" in trouble(text)[0]


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
def test_whatever_json_says_is_read_as_json_reads_it(value):
    assert tree(json.dumps(value, ensure_ascii=False)).plain() == value


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(data):
    found, findings = grow("a.yaml", data)

    assert found is not None or findings
