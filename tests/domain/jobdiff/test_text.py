"""Changes as text."""

from __future__ import annotations

from bot.domain.deploy.plan import Change
from bot.domain.jobdiff.text import LIMIT, cost, lines

MARK, OTHER = "(hmac 01234567…)", "(hmac 89abcdef…)"


def a_change(*path, kind="Edited", old="1", new="2", effect=""):
    return Change(path=path, kind=kind, old=old, new=new, effect=effect)


def test_a_heading_for_each_part_and_a_sign_for_each_kind():
    assert lines(
        [
            a_change("group web", "count", old="2", new="3"),
            a_change("group web", "task app", "env A", kind="Added", old="", new="x", effect="forces create"),
            a_change("group web", "task app", "env B", kind="Deleted", old="y", new="", effect="forces create"),
            a_change("priority"),
        ]
    ) == [
        "group web",
        "  ~ count: 2 → 3",
        "group web, task app (forces create)",
        "  + env A: x",
        "  - env B: y",
        "job",
        "  ~ priority: 1 → 2",
    ]


def test_hidden_values_say_that_they_changed():
    said = lines(
        [
            a_change("env A", old=MARK, new=OTHER),
            a_change("env B", old="", new=OTHER),
            a_change("env C", old=MARK, new="", kind="Deleted"),
            a_change("env D", old="", new=MARK, kind="Added"),
            a_change("env E", old=MARK, new=""),
        ]
    )
    assert said[1:] == [
        f"  ~ env A: changed {MARK} → {OTHER}",
        f"  ~ env B: changed (none) → {OTHER}",
        f"  - env C: removed {MARK}",
        f"  + env D: set {MARK}",
        f"  ~ env E: changed {MARK} → (none)",
    ]


def test_an_empty_value_is_named():
    assert lines([a_change("user", old="", new="root")])[-1] == "  ~ user: (none) → root"
    assert lines([a_change("user", old="root", new="")])[-1] == "  ~ user: root → (none)"


def test_a_part_that_came_without_values():
    assert lines([a_change("group web", "task app", kind="Added", old="", new="")]) == ["group web", "  + task app"]
    assert lines([a_change(kind="Added", old="", new="")]) == ["job", "  + job"]


def test_values_of_several_lines_show_the_lines_that_differ():
    said = lines([a_change("task app", "template x", "data", old="a\nb\nc\n", new="a\nB\nc\n")])
    assert said[1:] == ["  ~ data:", "      -b", "      +B"]


def test_a_long_text_is_bounded():
    said = lines([a_change("data", old="", new="\n".join(map(str, range(40))), kind="Added")])
    assert said[-1] == "      … 28 more lines"


def test_a_long_value_is_bounded_and_on_one_line():
    said = lines([a_change("x" * 500, old="\n", new="y" * 5_000)])
    assert all(len(line) < 400 for line in said)


def test_what_does_not_fit_is_counted():
    many = [a_change("group web", f"field {number}", old="<", new="&" * 60) for number in range(60)]
    said = lines(many)
    shown = sum(1 for line in said if line.startswith("  ~"))
    assert cost(said) <= LIMIT
    assert 0 < shown < 60
    assert said[-1] == f"+{60 - shown} more"


def test_the_last_one_needs_no_room_for_a_count():
    change = a_change("count")
    whole = cost(lines([change]))
    assert lines([change], limit=whole) == ["job", "  ~ count: 1 → 2"]
    assert lines([change], limit=whole - 1) == ["+1 more"]


def test_no_changes_no_lines():
    assert lines([]) == []
