"""The folder for one sandbox's catalog and database: a temporary one, or the one that --data names."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO


class FolderTakenError(Exception):
    """Another sandbox uses the folder; two would overwrite each other's catalog."""


class DataFolder:
    """A folder that only this sandbox uses until `close`, which removes a temporary folder and leaves any other.

    Args:
        wanted: the folder to use, created if it does not exist; None for a temporary one.
    """

    def __init__(self, wanted: Path | None) -> None:
        self._temporary = wanted is None
        if wanted is None:
            self.path = Path(tempfile.mkdtemp(prefix="nomatron-sandbox-"))
        else:
            wanted.mkdir(parents=True, exist_ok=True)
            self.path = wanted.resolve()
        self._lock = _lock_file(self.path / ".sandbox.lock")

    def close(self) -> None:
        """Releases the lock and removes a temporary folder. Call it once."""
        self._lock.close()
        if self._temporary:
            shutil.rmtree(self.path, ignore_errors=True)


def _lock_file(path: Path) -> IO[str]:
    # The operating system's lock, not the file's existence, marks the folder as in use: a killed sandbox frees it.
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise FolderTakenError(
            f"another sandbox uses {path.parent}. Stop it, or choose another folder with --data."
        ) from None
    return lock
