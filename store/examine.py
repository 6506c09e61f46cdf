"""The database as ``doctor`` looks at it: its revision and the disk under it; no file and no table is made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bot.domain.diagnosis.host import Disk
from store.migrate import head, revision
from store.sql.connect import database_url
from store.sql.dialects import SQLITE

MOUNTS: Final = Path("/proc/self/mounts")


class DatabaseExaminer:
    """``bot.ports.doctor.ExaminedDatabase`` for a database URL; ``SettingsInvalid`` where that cannot be used."""

    def __init__(self, url: str, mounts: Path = MOUNTS) -> None:
        parsed = database_url(url)
        self._url = url
        self._mounts = mounts
        self.file = Path(parsed.database or "").absolute() if parsed.get_backend_name() == SQLITE else None

    @property
    def newest(self) -> str:
        """The revision that this code needs."""
        return head()

    async def revision(self) -> str | None:
        """As ``bot.ports.doctor.ExaminedDatabase`` promises."""
        if self.file is not None and not self.file.exists():
            return None
        return await revision(self._url)

    def disk(self) -> Disk | None:
        """As ``bot.ports.doctor.ExaminedDatabase`` promises; of a file that is not there yet, where it would be."""
        if self.file is None:
            return None
        folder = next(each for each in self.file.parents if each.exists())
        found = os.statvfs(folder)
        return Disk(str(self.file), _kind(folder.resolve(), self._mounts), found.f_bavail * found.f_frsize)


def _kind(folder: Path, mounts: Path) -> str:
    """The type of the file system that holds the folder, as Linux's mount table has it; empty elsewhere."""
    try:
        lines = [line.split(" ") for line in mounts.read_text("utf-8").splitlines()]
    except OSError:
        return ""
    around = {folder, *folder.parents}
    fitting = [(len(place), index, kind) for index, (_, place, kind, *_) in enumerate(lines) if _path(place) in around]
    # of two mounts at one place the later one is on top
    return max(fitting, default=(0, 0, ""))[2]


def _path(place: str) -> Path:
    r"""The mount point; the table writes a space as ``\040``."""
    return Path(place.encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "replace"))
