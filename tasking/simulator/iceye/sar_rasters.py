"""Small real radar pictures: ground with speckle, bright points and dark water, georeferenced, the same for each name.

A SAR image is speckled because many echoes add up in each pixel: the intensity of a single look is exponentially
distributed around the ground's own, that of L looks gamma distributed. The pictures show this; they are far coarser
than a satellite's.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from tasking.simulator.rasters import COARSE_PIXELS, SHARP_PIXELS, cog, ground_noise, made_once, png, utm_grid

Floats = npt.NDArray[np.float64]


def _chance(name: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))


def _ground(name: str, pixels: int) -> Floats:
    """Backscatter, about 0.01 (water) to 10 (a few bright points)."""
    land = ground_noise(f"{name} ground", pixels, 1.6)
    backscatter = np.where(land < 0.35, 0.01, 0.05 + 0.6 * land**2)
    chance = _chance(f"{name} points")
    bright = chance.random((pixels, pixels)) > 0.999
    return np.asarray(np.where(bright & (land >= 0.35), 10.0, backscatter))


def _amplitude(name: str, product: str, pixels: int, looks: float) -> Floats:
    speckle = _chance(f"{name} {product} speckle").gamma(looks, 1 / looks, (pixels, pixels))
    return np.asarray(np.sqrt(_ground(name, pixels) * speckle))


def _made(name: str, product: str, footprint: dict[str, Any], looks: float, tags: dict[str, str]) -> bytes:
    pixels = COARSE_PIXELS if product in ("QLK", "thumbnail") else SHARP_PIXELS
    grid = utm_grid(footprint, pixels)
    rows, columns = grid.inside.shape
    amplitude = _amplitude(name, product, pixels, looks)[:rows, :columns]
    if product in ("QLK", "thumbnail"):
        grey = np.where(grid.inside, np.clip(amplitude * 160, 1, 255), 0).astype(np.uint8)[None]
        return png(grey, grid) if product == "thumbnail" else cog(grey, grid, tags=tags)
    strength = np.where(grid.inside, np.clip(amplitude * 4000, 1, 65535), 0).astype(np.uint16)
    if not product.startswith(("SLC", "SICD")):
        return cog(strength[None], grid, tags=tags)
    turn = _chance(f"{name} {product} phase").uniform(-np.pi, np.pi, amplitude.shape)
    phase = np.where(grid.inside, turn, 0)
    return cog(np.stack([strength, phase]).astype(np.float32), grid, "NEAREST", tags)


def radar_file(name: str, product: str, footprint: dict[str, Any], looks: float, tags: dict[str, str]) -> bytes:
    """The file of one product.

    Args:
        name: Decides the picture.
        product: Product type (``GRD``: amplitude; ``SLC``: amplitude and phase), or ``thumbnail`` (a PNG).
        footprint: GeoJSON of the ground it shows.
        looks: Looks averaged, 1 or more: the more, the smoother.
        tags: Written into the file.
    """
    known = (name, product, str(footprint), str(looks))
    return made_once(known, lambda: _made(name, product, footprint, looks, tags))
