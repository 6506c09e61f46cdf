"""Templates: their text, their variables, and what keeps them from being read."""

from __future__ import annotations

import pytest

from bot.gateways.catalog import read
from tests.golden import GOLDEN, needs_golden

WEB = "templates/web.nomad.hcl"


def test_labels_may_stand_without_quotes_and_null_is_a_default(folder):
    folder.write(WEB, folder.text(WEB) + "variable zone { default = null }\n")

    web = folder.read().catalog.templates["web"]
    assert "zone" in web.declared - web.required


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", f"{WEB}:1: template `web`: a jobspec needs exactly one"),
        ("job = 3\n", f"{WEB}:1: template `web`: a jobspec needs exactly one"),
        ('job "a" {}\n\nvariable "x" {\n', f"{WEB}:4: template `web`: not HCL2: the file ends inside a block"),
        ('job "a" {\n  x = [[\n}\n', f"{WEB}:3: template `web`: not HCL2: unexpected"),
        ("x = " + "[" * 5000, f"{WEB}:1: template `web`: not HCL2"),
    ],
)
def test_what_is_not_a_jobspec_is_an_error_at_its_line(folder, text, expected):
    folder.write(WEB, text)

    assert any(each.startswith(expected) for each in folder.errors()), folder.errors()


def test_a_syntax_error_names_its_line(folder):
    folder.write(WEB, 'job "web" {\n  group "g" {\n    count = = 3\n  }\n}\n')

    (issue,) = folder.errors()
    assert issue.startswith(f"{WEB}:3: template `web`: not HCL2: unexpected '= 3' in column 13; ")
    assert issue.endswith("correct the syntax (`nomad fmt` shows where)")


def test_text_that_is_not_utf_8_names_its_line(folder):
    (folder.path / WEB).write_bytes(b'job "web" {\n}\n# \xff\n')

    assert folder.errors() == [f"{WEB}:3: template `web`: the file is not UTF-8; save it as UTF-8"]


def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path):
    outside = tmp_path / "outside.hcl"
    outside.write_text('job "web" {}')
    (folder.path / WEB).unlink()
    (folder.path / WEB).symlink_to(outside)

    assert folder.errors() == [
        f"nomatron.yaml:29: template `web`: {WEB} points outside the catalog's folder; move the file into the folder"
    ]


def test_a_template_has_a_size_limit(folder):
    folder.write(WEB, folder.text(WEB) + "#" * 1_048_577)

    assert folder.errors() == [f"nomatron.yaml:29: template `web`: {WEB} is larger than 1048576 bytes; make it smaller"]


@needs_golden
def test_real_jobspecs_are_read(folder):
    unread = []
    for path in sorted(GOLDEN.glob("jobspecs/*.nomad.hcl")):
        folder.write(WEB, path.read_text(encoding="utf-8"))
        unread += [str(each) for each in read(folder.path).errors if each.file == WEB]

    assert unread == []
