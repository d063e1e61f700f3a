"""Secrets that cannot be mistaken for anything else, and a search for them in every spelling they may take."""

from __future__ import annotations

import base64
import gzip
import io
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

MARK = "MarkedSecretOfOurs"
"""Stands in each secret of the test, between characters that addresses, JSON and HTML write differently."""

_SIGNED = re.compile(rb"(?:sig|signature)(?:=|%3d|&#61;)[0-9a-z%+/_-]{12,}")
_AROUND = 70


def marked(kind: str, provider: str) -> str:
    """A secret of one kind and provider; where it is found, its text says which one it is."""
    return f"9+{MARK}{kind}{provider}/&="


def _spellings(secret: str) -> Iterator[bytes]:
    """The secret's letters as they are, and as part of a longer text in base64 or hex."""
    letters = secret.encode()
    yield letters
    yield letters.hex().encode()
    for before in range(3):
        # the first and last characters depend on what stands beside
        whole = base64.b64encode(b"\0" * before + letters).decode()
        inner = whole[(0, 2, 3)[before] : len(whole) // 4 * 4 - 4]
        yield inner.encode()
        yield inner.replace("+", "-").replace("/", "_").encode()


class Search:
    """Looks for secrets and collects where they were found.

    Args:
        secrets: Texts beside `MARK`, as of tokens and signatures; long enough to be nobody else's.

    Attributes:
        found: What was found, with the place and the text around.
        places: How many pieces were searched, by kind.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        texts = [MARK, *secrets]
        assert all(len(one) >= len(MARK) for one in texts)
        self._spellings = sorted({form.lower() for one in texts for form in _spellings(one)})
        self.found: list[str] = []
        self.places: dict[str, int] = {}

    def look(self, kind: str, place: str, content: bytes | str) -> None:
        """Search one piece."""
        self.places[kind] = self.places.get(kind, 0) + 1
        text = (content.encode() if isinstance(content, str) else content).lower()
        at = {text.find(form) for form in self._spellings} | {hit.start() for hit in _SIGNED.finditer(text)}
        for position in sorted(at - {-1}):
            around = text[max(0, position - _AROUND) : position + _AROUND]
            self.found.append(f"{kind}: {place}: ...{around.decode(errors='replace')}...")

    def folder(self, root: Path, leave_out: Iterable[Path] = ()) -> None:
        """Search every file of a folder and its name: as it lies on the disk, unpacked, and row by row."""
        left_out = tuple(map(str, leave_out))
        for file in sorted(root.rglob("*")):
            if str(file).startswith(left_out) if left_out else False:
                continue
            self.look("file name", str(file), str(file))
            if file.is_file():
                self._file(file)

    def _file(self, file: Path) -> None:
        content = file.read_bytes()
        self.look("file", str(file), content)
        if file.suffix == ".log":
            self.look("log without line breaks", str(file), b"".join(content.split()))  # a console breaks long words
        if content.startswith(b"SQLite format 3\0"):
            for table, row in rows_of(file):
                self.look(f"row of {table}", str(file), row)
        elif content.startswith(b"\x1f\x8b"):
            self.look("packed file", str(file), gzip.decompress(content))
        elif zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                for name in packed.namelist():
                    self.look("packed file", f"{file}/{name}", packed.read(name))


def rows_of(database: Path) -> Iterator[tuple[str, str]]:
    """Each row of each table as one text: long values are not in one piece in the file itself."""
    with closing(sqlite3.connect(database)) as opened:
        tables = opened.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            for row in opened.execute(f'select * from "{table}"'):
                yield str(table), "\n".join(map(_as_text, row))


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
