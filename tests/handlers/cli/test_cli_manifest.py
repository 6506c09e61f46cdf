from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present folder of this test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_prints_what_it_checks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest"]) == 0
    text = capsys.readouterr().out
    (folder / "manifest.yml").write_text(text, "utf-8")

    assert text.startswith("_metadata:")
    assert main(["manifest", "--check"]) == 0


def test_a_difference_is_shown_with_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "--url", "https://nomatron.corp.example"]) == 0
    (folder / "manifest.yml").write_text(capsys.readouterr().out.replace("users:read", "users:write"), "utf-8")

    assert main(["manifest", "--check", "--url", "https://nomatron.corp.example"]) == 1
    error = capsys.readouterr().err
    assert "-      - users:write" in error
    assert "+      - users:read" in error
    assert "nomatron manifest > manifest.yml" in error


def test_without_a_file_or_with_a_useless_address(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "--check"]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert main(["manifest", "--url", "http://nomatron.example"]) == 2
    assert "https" in capsys.readouterr().err
