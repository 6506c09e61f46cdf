"""The door to python-hcl2."""

from __future__ import annotations

import pytest

from bot.gateways.catalog.hcl import NotHclError, blocks, warm


def test_blocks_are_found_by_kind_and_expressions_stay_text():
    found = blocks('variable "a" {\n  default = var.b\n}\njob "web" {}\n')

    assert list(found) == ["variable", "job"]
    assert found["variable"][0]['"a"']["default"] == "${var.b}"


def test_a_blank_after_a_heredocs_end_is_accepted_as_nomad_does():
    assert "x" in blocks("x = <<EOF\ntext\nEOF \n")


def test_warming_leaves_the_next_reading_as_it_is():
    warm()

    assert blocks("x = 1\n") == {"x": 1}


def test_what_cannot_be_read_names_its_line():
    with pytest.raises(NotHclError, match="unexpected '}' in column 1") as caught:
        blocks("x = 1\n\n}\n")

    assert caught.value.line == 3
