"""The search for secrets finds what it is there for; else every test that uses it says nothing."""

from __future__ import annotations

import base64
import gzip
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.secrets_search import MARK, Search, marked

SECRET = marked("Secret", "iceye")


@pytest.mark.parametrize("before", ["", "a", "ab", "abc:"])
@pytest.mark.parametrize(
    "spell",
    [
        str,
        quote,
        str.upper,
        lambda text: text.encode().hex(),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    ],
)
def test_a_secret_is_found_in_any_spelling(before: str, spell: type[str]) -> None:
    search = Search()
    search.look("log", "a line", f"said: {spell(before + SECRET + ', and more')}.")
    assert search.found


@pytest.mark.parametrize("query", ["?expires=1&sig=0123456789abcdef", "%26signature%3D0123456789abcdef"])
def test_any_signature_in_an_address_is_found(query: str) -> None:
    search = Search()
    search.look("log", "a line", f"GET /a.zip{query} HTTP/1.1")
    assert search.found


def test_files_of_every_kind_are_searched(tmp_path: Path) -> None:
    broken = "\n".join(SECRET)
    (tmp_path / "said.log").write_text(f"a console breaks {broken} lines")
    (tmp_path / "packed.gz").write_bytes(gzip.compress(SECRET.encode()))
    with zipfile.ZipFile(tmp_path / "packed.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inside", SECRET * 2)
    with closing(sqlite3.connect(tmp_path / "rows.db")) as opened, opened:
        opened.execute("create table said (words text)")
        opened.execute("insert into said values (?)", ["x" * 4000 + SECRET * 3 + "x" * 4000])
    (tmp_path / MARK).mkdir()
    (tmp_path / "theirs").write_text(SECRET)
    search = Search()
    search.folder(tmp_path, leave_out=[tmp_path / "theirs"])
    kinds = {one.split(": ")[0] for one in search.found}
    assert kinds >= {"log without line breaks", "packed file", "row of said", "file name"}
    assert not any("theirs" in one for one in search.found)
