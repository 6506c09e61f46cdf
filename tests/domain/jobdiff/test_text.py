"""Changes as text."""

from __future__ import annotations

from bot.domain.deploy.plan import Change, Flag
from bot.domain.jobdiff.text import LIMIT, cost, line, lines, more, safe, whole


def a_change(*path, kind="Edited", old="1", new="2", **changes):
    return Change(path=path, kind=kind, old=old, new=new, **changes)


def a_hidden(*path, kind="Edited", **changes):
    return a_change(*path, kind=kind, old="", new="", hidden=True, **changes)


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


def test_a_flagged_change_is_one_line_with_its_reason_and_its_whole_place():
    said = lines(
        [
            a_change("group web", "task app", "memory MB", old="2048", new="512", flags=(Flag.LESS_MEMORY,)),
            a_hidden("group web", "task app", "env HOTFIX", kind="Deleted", flags=(Flag.REMOVED,)),
            a_change("group web", "task app", "kill_timeout", old="5s", new="9s"),
        ]
    )
    assert said == [
        "⚠ memory lowered: group web, task app, memory MB: 2048 → 512",
        "⚠ env removed: group web, task app, env HOTFIX: removed (hidden)",
        "group web, task app",
        "  ~ kill_timeout: 5s → 9s",
    ]


def test_hidden_values_only_say_that_they_changed():
    said = lines([a_hidden("env A"), a_hidden("env B", kind="Deleted"), a_hidden("env C", kind="Added")])
    assert said[1:] == [
        "  ~ env A: changed (hidden)",
        "  - env B: removed (hidden)",
        "  + env C: added (hidden)",
    ]


def test_an_empty_value_is_named():
    assert lines([a_change("user", old="", new="root")])[-1] == "  ~ user: (none) → root"
    assert lines([a_change("user", old="root", new="")])[-1] == "  ~ user: root → (none)"


def test_a_part_that_came_or_moved_without_values():
    assert lines([a_change("group web", "task app", kind="Added", old="", new="")]) == ["group web", "  + task app"]
    assert lines([a_change(kind="Added", old="", new="")]) == ["job", "  + job"]
    assert line(a_change("group web", "order of services", old="", new="")) == "group web, order of services"


def test_a_text_shows_the_lines_that_differ_and_counts_those_that_do_not_fit():
    text = a_change("data", old="", new="", diff=("-b", "+B"))
    assert lines([text])[1:] == ["  ~ data: 2 lines differ", "      -b", "      +B"]
    long = a_hidden("data", diff=tuple(f"+key{number} = •••" for number in range(40)))
    assert lines([long])[-1] == "      … 28 more lines"
    assert len(lines([long])) == 15
    assert len(whole([long]).splitlines()) == 42
    assert line(a_change("data", old="", new="", diff=("~a = •••",))) == "data: 1 line differs"


def test_a_cut_never_hides_a_difference_and_says_how_much_is_left_out():
    old = "a" * 5_000 + "OLD" + "b" * 5_000
    new = "a" * 5_000 + "NEW" + "b" * 5_000
    said = line(a_change("env LONG", old=old, new=new))
    assert "OLD" in said
    assert "NEW" in said
    assert "(4,960 characters) …" in said
    assert "(4,883 more characters)" in said
    assert len(said) < 500
    longer = line(a_change("env LONG", old="a" * 300, new="a" * 301))
    assert longer.count("a…") == 0
    assert longer.endswith("a")
    assert whole([a_change("env LONG", old=old, new=new)]).count(new) == 1


def test_an_added_long_value_counts_what_is_cut():
    said = line(a_change("env LONG", kind="Added", old="", new="x" * 10_000))
    assert said.endswith("… (9,840 more characters)")


def test_what_does_not_fit_is_counted_with_its_flags():
    many = [a_change("group web", f"field {number}", old="<", new="&" * 60) for number in range(60)]
    said = lines(many)
    shown = sum(1 for line in said if line.startswith("  ~"))
    assert cost(said) <= LIMIT
    assert 0 < shown < 60
    assert said[-1] == f"+{60 - shown} more, none of them flagged"
    flagged = [a_change("x" * 150, flags=(Flag.PRIORITY,)) for _ in range(600)]
    assert cost(lines(flagged)) <= LIMIT
    assert lines(flagged)[-1] == f"+{601 - len(lines(flagged))} more, {601 - len(lines(flagged))} of them flagged"
    assert more(many[:1]) == "+1 more, none of them flagged"


def test_the_whole_has_every_change():
    many = [a_change("group web", f"field {number}") for number in range(600)]
    said = whole(many)
    assert all(f"field {number}:" in said for number in range(600))


def test_the_last_one_needs_no_room_for_a_count():
    change = a_change("count")
    exact = cost(lines([change]))
    assert lines([change], limit=exact) == ["job", "  ~ count: 1 → 2"]
    assert lines([change], limit=exact - 1) == ["+1 more, none of them flagged"]


def test_no_changes_no_lines():
    assert lines([]) == []
    assert not whole([])


def test_no_character_moves_hides_or_breaks_the_others():
    assert safe("a\u202eb\u200bc\x1bd\r\ne") == "a\\u202eb\\u200bc\\u001bd\\r\\ne"
    assert safe("schönes 東京 🚀") == "schönes 東京 🚀"
    # a right-to-left word is isolated, so the arrow and the values beside it keep their order
    assert safe("שלום") == "\u2068שלום\u2069"
    said = line(a_change("group web", "env שלום", old="א", new="ב"))
    assert said == "\u2068group web, env שלום\u2069: \u2068א\u2069 → \u2068ב\u2069"
