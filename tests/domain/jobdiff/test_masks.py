"""Line diffs of hidden texts."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.masks import changed_lines


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("password = hunter2", "password = •••"),
        ('  "user": "hunter2",', '  "user": •••'),
        ("export TOKEN=hunter2", "export TOKEN=•••"),
        ("  hunter2", "  •••"),
        ("c2VjcmV0cGFzcw==", "•••"),
        ("[server]", "[server]"),
        ("}", "}"),
        ('a = {{ with nomadVar "nomad/jobs" }}x{{ end }}', 'a = {{ with nomadVar "nomad/jobs" }}•••{{ end }}'),
        ('{{ $x := "hunter2" }}', '{{ $x := "•••" }}'),
        ("{{ token=hunter2secret }}", "{{•••}}"),
    ],
)
def test_keys_and_actions_are_seen_and_values_are_not(line, seen):
    assert changed_lines("", line, hidden=True) == (f"+{seen}",)


def test_only_the_lines_that_differ():
    assert changed_lines("a: 1\nb: 2\nc: 3", "a: 1\nb: 4", hidden=False) == ("-b: 2", "+b: 4", "-c: 3")
    assert changed_lines("a: 1\nb: 2", "a: 1\nb: 4", hidden=True) == ("~b: •••",)


@pytest.mark.parametrize("line", ["api_keys: [hunter2secret]", '  "a": [hunter2secret]', "[hunter2secret]"])
def test_a_value_in_brackets_is_no_heading(line):
    assert "hunter2secret" not in "\n".join(changed_lines("", line, hidden=True))


def test_a_heading_is_shown():
    assert changed_lines("", "[server.http]", hidden=True) == ("+[server.http]",)
