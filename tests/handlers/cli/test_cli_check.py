"""``nomatron check``: offline, every error at once, an exit status for scripts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from handlers.cli.check import main

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "catalog"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copytree(EXAMPLE, tmp_path / "catalog")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "catalog"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_correct_catalog_exits_with_0_and_its_fingerprint(folder, capsys):
    assert main([]) == 0

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("catalog: no errors, 0 warnings; 3 services in 2 environments, fingerprint ")


def test_errors_come_first_then_warnings_then_the_summary(folder, capsys):
    change(folder / "nomatron.yaml", "http://127.0.0.1:4646", "http://nomad.example:4646")
    change(folder / "nomatron.yaml", "timezone: Europe/Amsterdam", "timezone: Amsterdam")
    change(folder / "services" / "mailer.yaml", "template: worker", "template: workers")

    assert main(["catalog"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("catalog/nomatron.yaml:3: `timezone`: 'Amsterdam' is not a time zone; ")
    assert lines[1] == "catalog/services/mailer.yaml:3: unknown template `workers`; did you mean `worker`?"
    assert lines[2].startswith("catalog/nomatron.yaml:32: warning: cluster `sandbox` has a plain http address")
    assert lines[3:] == ["catalog: 2 errors, 1 warning; fix the errors before you apply it"]


def test_a_warning_alone_exits_with_0(folder, capsys):
    change(folder / "nomatron.yaml", "http://127.0.0.1:4646", "http://nomad.example:4646")

    assert main(["catalog"]) == 0
    assert "no errors, 1 warning;" in capsys.readouterr().out


def test_the_folder_may_be_anywhere(folder, capsys):
    assert main([str(EXAMPLE)]) == 0
    assert main([str(folder / "nowhere")]) == 1
    assert f"{folder}/nowhere/nomatron.yaml does not exist" in capsys.readouterr().out


def test_the_schema_is_json_schema_and_needs_no_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert main(["--schema"]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("word", ["--schema", "--help"])
def test_neither_the_schema_nor_help_loads_the_hcl_grammar(word):
    code = (
        "import sys\nfrom handlers.cli.check import main\n"
        f"try: main([{word!r}])\nexcept SystemExit: pass\n"
        "print(sorted({'hcl2', 'lark'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
