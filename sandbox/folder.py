"""The folder in which one sandbox keeps its catalog and database: a temporary one, or a person's own."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO


class FolderTakenError(Exception):
    """Another sandbox uses the folder; two would overwrite each other's catalog."""


class DataFolder:
    """A folder that is this sandbox's alone until `close`; one of ours is then removed, a person's own stays.

    Args:
        wanted: the person's folder, made where it is not there; None for a temporary one.
    """

    def __init__(self, wanted: Path | None) -> None:
        self._temporary = wanted is None
        if wanted is None:
            self.path = Path(tempfile.mkdtemp(prefix="nomatron-sandbox-"))
        else:
            wanted.mkdir(parents=True, exist_ok=True)
            self.path = wanted.resolve()
        self._lock = _locked(self.path / ".sandbox.lock")

    def close(self) -> None:
        """Gives the folder back; may be called once."""
        self._lock.close()
        if self._temporary:
            shutil.rmtree(self.path, ignore_errors=True)


def _locked(path: Path) -> IO[str]:
    # The system's lock, not the file, says that the folder is taken: a killed sandbox leaves none behind.
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise FolderTakenError(f"another sandbox uses {path.parent}: end that one, or give another --data") from None
    return lock
