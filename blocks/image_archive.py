"""Where delivered images go."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, field_validator

from blocks.account import load_block
from tasking.delivery.catalog import archive_folder
from tasking.errors import InvalidOrder


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

    def folder(self) -> Path:
        """The archive's folder, created when absent."""
        folder = archive_folder(self.url)
        folder.mkdir(parents=True, exist_ok=True)
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
