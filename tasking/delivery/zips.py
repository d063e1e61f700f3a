"""Opening a zip from outside without letting its own words fill our memory."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, cast

LONGEST_DIRECTORY = 8 * 1024 * 1024
"""Most bytes of a zip's directory that are read: room for more files than are ever taken out of one.

An entry of 46 bytes becomes an object of 700: 8 MiB are 130 MB of our memory at the most, and a second.
"""


class DirectoryTooLong(zipfile.BadZipFile):
    """It may be whole; its directory is not read."""


class _ShortReads(io.BufferedReader):
    """A file that is never read in long pieces: the zip reader takes a directory in one, as long as the zip says."""

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `LONGEST_DIRECTORY` bytes; asking for more is an error of the zip."""
        wanted = LONGEST_DIRECTORY + 1 if size is None or size < 0 else size
        data = b"" if wanted > LONGEST_DIRECTORY + 1 else super().read(wanted)
        if wanted > LONGEST_DIRECTORY + 1 or len(data) > LONGEST_DIRECTORY:
            raise DirectoryTooLong(f"its directory is longer than {LONGEST_DIRECTORY} bytes")
        return data


class BoundedZip(zipfile.ZipFile):
    """A zip on disk, opened for reading; a context manager like its parent.

    Raises:
        zipfile.BadZipFile: Not a zip, or one whose directory is not whole or too long to be read.
    """

    def __init__(self, path: Path) -> None:
        self._held = _ShortReads(cast(Any, path.open("rb", buffering=0)))
        try:
            super().__init__(self._held)
        except BaseException:
            self._held.close()
            raise

    def close(self) -> None:
        """Close the zip and its file."""
        super().close()
        self._held.close()
