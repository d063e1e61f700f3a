"""Where delivered images go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, field_validator

from blocks.account import load_block
from tasking.delivery.storage import MARKER, archive_folder, is_marked, mark
from tasking.errors import InvalidOrder

_MEND = "; make it on each machine that has a worker, with the right to write for the worker's user"


class ImageArchive(Block):
    """The folder that delivered images go to, one STAC catalog for each order.

    Example:
        ```python
        from blocks.image_archive import ImageArchive

        archive = ImageArchive.load("BLOCK_NAME")
        print(archive.folder())
        ```
    """

    _block_type_name = "Image archive"
    _block_type_slug = "image-archive"
    _documentation_url: ClassVar[HttpUrl] = HttpUrl("https://stacspec.org/")
    _description = "The folder that delivered satellite images go to: one STAC catalog for each order."

    url: str = Field(
        title="Folder",
        description="A folder all workers can write to: an absolute path, or the same as file:///path.",
        examples=["/data/archive"],
    )

    @field_validator("url")
    @classmethod
    def _is_a_folder(cls, value: str) -> str:
        archive_folder(value)
        return value

    @property
    def address(self) -> str:
        """The folder's path, the same for each way to write it."""
        return str(archive_folder(self.url))

    def folder(self, *, used_before: bool = False) -> Path:
        """The archive's folder; made, with its marker, when it is used for the first time.

        Args:
            used_before: This address has been used: without the marker its disk is not there, and nothing is made.

        Raises:
            InvalidOrder: It cannot be made, not be written to, or its disk is not there.
        """
        folder = archive_folder(self.url)
        try:
            if used_before and not is_marked(folder):
                raise InvalidOrder(
                    "archive",
                    self.url,
                    f"the file {MARKER} is not in this folder: is its disk mounted here? If the archive was moved, "
                    f"make the empty file {folder / MARKER}",
                )
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidOrder("archive", self.url, f"this folder cannot be made ({error.strerror}){_MEND}") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InvalidOrder("archive", self.url, f"this folder cannot be written to{_MEND}")
        try:
            mark(folder)
        except OSError as error:
            raise InvalidOrder("archive", self.url, f"its marker cannot be made ({error.strerror}){_MEND}") from error
        return folder


def load_archive(name: str) -> ImageArchive:
    """The archive block named ``image-archive/name``.

    Raises:
        InvalidOrder: There is no such block, or it is of another type.
    """
    block = load_block("archive", name)
    if not isinstance(block, ImageArchive):
        raise InvalidOrder("archive", name, "is not an archive; name a block such as image-archive/default")
    return block
