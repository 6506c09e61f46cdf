from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bot.errors import SettingsInvalid, StoreUnavailable
from store.examine import DatabaseExaminer
from store.migrate import migrate
from store.revision import head

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    """A mount table in which the test's folder is on ext4."""
    table = tmp_path / "mounts"
    table.write_text(f"overlay / overlay rw 0 0\n/dev/sda1 {tmp_path} ext4 rw 0 0\n", "utf-8")
    return table


async def test_looking_makes_no_file(tmp_path: Path, mounts: Path) -> None:
    examiner = DatabaseExaminer(f"sqlite:///{tmp_path}/new.db", mounts)

    assert await examiner.revision() is None
    assert examiner.newest == head()
    assert os.listdir(tmp_path) == ["mounts"]  # noqa: PTH208 -- a test may wait for a disk


async def test_a_migrated_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kept.db"
    await migrate(url)

    assert await DatabaseExaminer(url).revision() == head()


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database at all, but long enough to be one" * 40, "utf-8")

    with pytest.raises(StoreUnavailable):
        await DatabaseExaminer(f"sqlite:///{tmp_path}/text.db").revision()


def test_the_disk_under_a_file_even_before_its_folder_is_made(tmp_path: Path, mounts: Path) -> None:
    disk = DatabaseExaminer(f"sqlite:///{tmp_path}/later/new.db", mounts).disk()

    assert disk is not None
    assert (disk.path, disk.kind) == (f"{tmp_path}/later/new.db", "ext4")
    assert disk.free > 0


def test_of_two_mounts_at_one_place_the_later_is_on_top(tmp_path: Path, mounts: Path) -> None:
    place = tmp_path / "with space"
    place.mkdir()
    escaped = str(place).replace(" ", "\\040")
    with mounts.open("a", encoding="utf-8") as table:
        table.write(f"a {escaped} ext4 rw 0 0\nserver:/x {escaped} nfs4 rw 0 0\nb {tmp_path}/with tmpfs rw 0 0\n")

    disk = DatabaseExaminer(f"sqlite:///{place}/n.db", mounts).disk()

    assert disk is not None
    assert disk.kind == "nfs4"


def test_a_system_without_a_mount_table(tmp_path: Path) -> None:
    disk = DatabaseExaminer(f"sqlite:///{tmp_path}/n.db", tmp_path / "none").disk()

    assert disk is not None
    assert disk.kind == ""


def test_postgres_has_no_disk_of_ours() -> None:
    examiner = DatabaseExaminer("postgresql://n@127.0.0.1/n")

    assert examiner.disk() is None
    assert examiner.file is None


def test_a_url_that_cannot_be_used() -> None:
    with pytest.raises(SettingsInvalid):
        DatabaseExaminer("mysql://x/y")
