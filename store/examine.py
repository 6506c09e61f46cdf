"""Examines the database for ``doctor``: its revision and its disk. Creates no file and no table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bot.domain.diagnosis.host import Disk
from store.revision import head, revision
from store.sql.connect import database_url, sqlite_file

MOUNTS: Final = Path("/proc/self/mounts")


class DatabaseExaminer:
    """``bot.ports.doctor.ExaminedDatabase`` for a database URL; raises ``SettingsInvalid`` if it cannot be used."""

    def __init__(self, url: str, mounts: Path = MOUNTS) -> None:
        self._url = url
        self._mounts = mounts
        self.file = sqlite_file(database_url(url))

    @property
    def newest(self) -> str:
        """The schema revision that this code needs."""
        return head()

    async def revision(self) -> str | None:
        """The schema revision of the database; None if it was never migrated or its file does not exist."""
        if self.file is not None and not self.file.exists():
            return None
        return await revision(self._url)

    def disk(self) -> Disk | None:
        """The disk of the SQLite file, or of its folder if the file does not exist yet; None for PostgreSQL."""
        if self.file is None:
            return None
        folder = next(each for each in self.file.parents if each.exists())
        found = os.statvfs(folder)
        return Disk(str(self.file), _kind(folder.resolve(), self._mounts), found.f_bavail * found.f_frsize)


def _kind(folder: Path, mounts: Path) -> str:
    """The type of the folder's file system from Linux's mount table; empty on other systems."""
    try:
        lines = [line.split(" ") for line in mounts.read_text("utf-8").splitlines()]
    except OSError:
        return ""
    around = {folder, *folder.parents}
    fitting = [(len(place), index, kind) for index, (_, place, kind, *_) in enumerate(lines) if _path(place) in around]
    # of two mounts at one path, the later one is on top
    return max(fitting, default=(0, 0, ""))[2]


def _path(place: str) -> Path:
    r"""The path of a mount point from the mount table, which writes a space as ``\040``."""
    return Path(place.encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "replace"))
