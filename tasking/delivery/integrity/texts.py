"""Whether a text with a structure (XML, JSON) has its end, in any encoding, and without building what it describes.

Only a missing end is damage. What else a strict parser dislikes (a number that JSON does not know, an encoding, an
entity) is its writer's way, and the file is not judged.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO
from xml.parsers import expat

from tasking.delivery.integrity.formats import NotJudged

_PIECE = 64 * 1024
_LONGEST_WORD = 1024 * 1024
"""Bytes of XML without an event (a tag, a text) that are read on: the parser reads it again with each piece."""
_LONGEST_XML, _LONGEST_JSON = 1024**3, 256 * 1024 * 1024
_CUT = frozenset({
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
})  # fmt: skip
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,39})["']""")
_ALIASES = {"windows-31j": "cp932", "x-sjis": "cp932", "shift_jis": "cp932", "shift-jis": "cp932", "ms932": "cp932",
            "x-ms-cp932": "cp932", "cp943c": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
            "cp51932": "euc_jp", "x-euc-jp": "euc_jp", "ks_c_5601-1987": "cp949", "euc-kr": "cp949",
            "windows-949": "cp949", "x-windows-949": "cp949", "big5": "cp950", "x-windows-950": "cp950",
            "iso-10646-ucs-2": "utf-16", "ucs-2": "utf-16"}  # fmt: skip
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ((b"\0\0\0", "utf-32-be"), (b"\0", "utf-16-be"))
_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)|[\[{]|[\]}]', re.DOTALL)


def xml_damage(file: BinaryIO, size: int, head: bytes) -> str | None:
    """What is wrong with an XML file: it is well-formed up to its end, or is not judged.

    Raises:
        NotJudged: It declares entities (which may unfold without end), a word in it is very long, or its parser
            dislikes something else than a missing end.
    """
    try:
        _read_xml(file, size, head)
    except expat.ExpatError as error:
        if error.code in _CUT or not _ends_like_xml(file, size):
            return f"it is not whole XML ({error})"
        raise NotJudged(f"its XML is odd ({error})") from error
    except NotJudged:
        if not _ends_like_xml(file, size):
            return "it is not whole XML: it does not end with a tag"
        raise
    except (UnicodeError, LookupError) as error:
        raise NotJudged("its encoding is not known here") from error
    return None


def _read_xml(file: BinaryIO, size: int, head: bytes) -> None:
    if size > _LONGEST_XML:
        raise NotJudged(f"XML of more than {_LONGEST_XML} bytes is not read")
    decoder = codecs.getincrementaldecoder(_encoding(head))("replace")
    parser = expat.ParserCreate("utf-8")
    parser.EntityDeclHandler = _no_entities
    file.seek(0)
    fed, begun = 0, False
    while raw := file.read(_PIECE):
        text = decoder.decode(raw)
        if not begun and text:
            text, begun = text.lstrip("\ufeff \t\r\n"), True
        data = text.encode("utf-8", "replace")
        fed += len(data)
        parser.Parse(data, False)
        if fed - parser.CurrentByteIndex > _LONGEST_WORD:
            raise NotJudged(f"a tag, comment or attribute of it is longer than {_LONGEST_WORD} bytes")
    parser.Parse(decoder.decode(b"", final=True).replace("\ufffd", "").encode(), True)


def _ends_like_xml(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - 4096))
    return file.read().rstrip(b" \t\r\n\0\x1a\x25\x40\x15").endswith((b">", b"\x6e"))


def _no_entities(*_declared: object) -> None:
    raise NotJudged("it declares entities")


def _encoding(head: bytes) -> str:
    """The encoding of an XML or JSON text, by its byte order mark, its zeros, else by what its declaration says."""
    if (wide := _wide(head)) is not None:
        return wide
    if head.startswith(b"\x4c\x6f\xa7\x94"):
        return "cp500"
    found = _DECLARED.search(head[:512])
    told = found[1].decode("ascii").lower() if found else "utf-8"
    if told.startswith(("utf-16", "utf-32", "utf16", "utf32", "ucs")):
        return "utf-8"  # the head was read as ASCII, so it is not that
    name = _ALIASES.get(told, told)
    try:
        "".encode(name)
    except (LookupError, UnicodeError):
        return "latin-1"  # any byte is a letter: its structure can be followed, which is ASCII in all encodings of XML
    return name


def _wide(head: bytes) -> str | None:
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    for zeros, name in _WIDE:
        if head.startswith(zeros):
            return name
    if head[1:4] == b"\0\0\0":
        return "utf-32-le"
    return "utf-16-le" if head[1:2] == b"\0" else None


def json_damage(file: BinaryIO, size: int, head: bytes) -> str | None:
    """What is wrong with a JSON file: each bracket and text that was opened is closed.

    Raises:
        NotJudged: Its encoding is not UTF, so a bracket may be a half of a letter; its end is looked at even so.
    """
    file.seek(max(0, size - 4096))
    end = file.read().rstrip(b" \t\r\n\0\x1e\x1a")
    if not end.endswith((b"}", b"]")) and not end.endswith((b";", b")", b"*/")):
        return "it is not whole JSON: it does not end as it began"
    if size > _LONGEST_JSON:
        raise NotJudged(f"of JSON of more than {_LONGEST_JSON} bytes only its end is looked at")
    decoder = codecs.getincrementaldecoder(_wide(head) or "utf-8")("strict")
    brackets = _Brackets()
    file.seek(0)
    try:
        while raw := file.read(_LONGEST_WORD):
            brackets.read(decoder.decode(raw).encode("utf-8", "replace"))
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise NotJudged("it is not readable JSON (its encoding is not UTF-8)") from error
    if brackets.in_text or brackets.open > 0:
        return f"it is not whole JSON: {brackets.open} brackets{' and a text' * brackets.in_text} are not closed"
    return None


class _Brackets:
    """What is open in a JSON text that is read in pieces: how many brackets, and whether a text.

    Attributes:
        open: Brackets.
        in_text: Whether the last text goes on in the next piece.
    """

    def __init__(self) -> None:
        self.open, self.in_text, self._rest = 0, False, b""

    def read(self, piece: bytes) -> None:
        data, at = self._rest + piece, 0
        self._rest = b""
        if self.in_text:
            at = self._text(data, _TEXT.match(data))
        if self.in_text:
            return
        for token in _TOKENS.finditer(data, at):
            first = data[token.start()]
            if first == 0x22:
                self._text(data, token)
            else:
                self.open += 1 if first in b"[{" else -1

    def _text(self, data: bytes, found: re.Match[bytes] | None) -> int:
        """Where a text ends; when it does not, a backslash at the piece's end is kept for the letter that follows."""
        assert found is not None, "it matches nothing, too"
        self.in_text = not found[1]
        self._rest = data[found.end() :] if self.in_text else b""
        return found.end()
