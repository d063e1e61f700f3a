"""The body of an answer, decompressed by ourselves: a few bytes from outside must not become all of our memory.

The HTTP library decompresses each piece that arrives as a whole, in as many layers as the answer names: 64 KB that were
packed twice can be 60 GB. Here no piece is longer than `PIECE`, and there is one layer at most, of those we ask for.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

PIECE = 1024 * 1024
"""Longest piece handed on, in bytes."""

_PACKED = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_NEVER_ASKED = ("br", "zstd", "compress", "x-compress")


def pieces(response: httpx.Response) -> Iterator[bytes]:
    """The body of an open answer, piece by piece.

    A piece is empty where what came unpacks to nothing: whoever counts time or bytes comes to know of it.

    Raises:
        httpx.DecodingError: It is packed in a way that was not asked for, or more than once, or is no such thing.
        httpx.RemoteProtocolError: It ends in the middle of what was packed.
        httpx.HTTPError, httpx.StreamError: The connection broke.
    """
    try:
        whole = response.content  # read already
    except httpx.ResponseNotRead:
        pass
    else:
        yield from _cut(whole)
        return
    named = [each.strip().lower() for each in response.headers.get_list("content-encoding", split_commas=True)]
    packed = [each for each in named if each in _PACKED or each in _NEVER_ASKED]
    if not packed:
        for piece in response.iter_raw():
            yield from _cut(piece)
    elif len(packed) == 1 and packed[0] in _PACKED:
        yield from _unpacked(response.iter_raw(), packed[0])
    else:
        raise httpx.DecodingError(f"it is packed as {', '.join(packed)[:60]}, which was not asked for")


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


def _unpacked(packed: Iterator[bytes], how: str) -> Iterator[bytes]:
    unpacker, begun = zlib.decompressobj(_PACKED[how]), False
    for data in packed:
        yield b""
        while data:
            if unpacker.eof:
                if not data.startswith(b"\x1f\x8b"):
                    break  # what follows is padding
                unpacker = zlib.decompressobj(_PACKED[how])
            try:
                piece = unpacker.decompress(data, PIECE)
            except zlib.error as error:
                if begun or how != "deflate":
                    raise httpx.DecodingError(str(error)) from error
                unpacker, begun = zlib.decompressobj(-zlib.MAX_WBITS), True  # some servers leave the envelope out
                continue
            begun = True
            if piece:
                yield piece
            data = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if begun and not unpacker.eof:
        if rest := unpacker.flush():  # a few bytes: all that came has been read
            yield rest
        if not unpacker.eof:
            raise httpx.RemoteProtocolError("it ends in the middle of what was packed")
