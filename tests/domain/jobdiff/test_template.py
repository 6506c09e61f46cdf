from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.jobdiff.template import template_diff
from bot.domain.jobdiff.text import LIMIT, cost

OLD = """\
job "web" {
  group "web" {
    task "app" {
      env {
        DB_PASSWORD = "hunter2-first"
        LEVEL       = var.level
      }
      resources {
        cpu    = 100
        memory = 256
      }
    }
  }
}
"""


def test_a_changed_number_is_shown_with_a_line_around_it():
    assert template_diff(OLD, OLD.replace("100", "250")).splitlines()[1:] == [
        "        resources {",
        "-         cpu    = 100",
        "+         cpu    = 250",
        "          memory = 256",
    ]


def test_a_changed_secret_shows_its_name_and_no_value():
    shown = template_diff(OLD, OLD.replace("first", "second"))

    assert "-         DB_PASSWORD = …" in shown
    assert "+         DB_PASSWORD = …" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('  image = "registry.example/a:${var.version}"', '  image = "registry.example/a:${var.version}"'),
        ('  interval = "10s"', '  interval = "10s"'),
        ("  count = var.count", "  count = var.count"),
        ("  canary = true", "  canary = true"),
        ("  args = [", "  args = ["),
        ('  check "alive" {', '  check "alive" {'),
        ("  ephemeral_disk {}", "  ephemeral_disk {}"),
        ("  # the password is hunter2", "  …"),
        ("  TOKEN=hunter2", "  TOKEN=…"),
        ("  password: hunter2", "  password: …"),
        ('  url = "http://${var.user}:hunter2@db"', "  url = …"),
        ('  command = "/bin/sh" # hunter2', "  command = …"),
        ("curl -u admin:hunter2 http://db", "…"),
        ("  hunter2", "  …"),
        ('  "hunter2",', "  …"),
    ],
)
def test_only_names_numbers_durations_and_references_are_shown(line: str, shown: str):
    assert template_diff("", line).splitlines()[1:] == [f"+ {shown}"]


def test_equal_texts_have_no_diff():
    assert template_diff(OLD, OLD) == ""


@given(st.integers(0, 600))
def test_whatever_the_size_it_fits_and_counts_what_is_left_out(size: int):
    shown = template_diff("", "\n".join(f"cpu = {n} & < >" for n in range(size)))

    lines = shown.splitlines()
    assert cost(lines) <= LIMIT
    if lines and lines[-1].startswith("…"):
        left = int(lines[-1].split()[1])
        assert len(lines) - 1 + left == size + 1
    else:
        assert len(lines) == (size + 1 if size else 0)
