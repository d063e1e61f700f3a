"""ICEYE's imaging modes and what they cost here.

Sizes, durations and ranges are from the public product guide; the prices are made up.
"""

from __future__ import annotations

from dataclasses import dataclass

PRODUCT_TYPES = ("GRD", "GRD-COG", "SLC", "SLC-COG", "QLK", "SICD", "SIDD", "CSI", "VID")
_COMPLEX = {"SLC", "SLC-COG", "SICD"}
_DWELL_ONLY = {"CSI", "VID"}


@dataclass(frozen=True)
class Mode:
    """One imaging mode.

    Attributes:
        name: Its ``imagingMode``.
        code: Its short form in file names.
        range_km: Width of a scene across the track.
        azimuth_km: Its length along the track.
        duration: Imaging time, seconds.
        incidence: Performant range, degrees.
        strict: Whether no wider range exists.
        resolution_m: Ground resolution.
        price: Base price in minor units of the currency.
    """

    name: str
    code: str
    range_km: float
    azimuth_km: float
    duration: int
    incidence: tuple[int, int]
    resolution_m: float
    price: int
    strict: bool = False

    def makes(self, product: str) -> bool:
        """Whether the mode can give a product type: nothing complex from a scan, video only from a dwell."""
        if product in _DWELL_ONLY:
            return "DWELL" in self.name
        return product not in _COMPLEX or not self.strict


def _spot(name: str, code: str, duration: int, resolution: float, price: int, size: float = 5, far: int = 40) -> Mode:
    return Mode(name, code, size, size, duration, (20, far), resolution, price)


_ALL = (
    Mode("STRIPMAP", "SM", 30, 50, 10, (15, 35), 3, 100_000),
    Mode("STRIP", "SM", 30, 50, 10, (15, 35), 3, 100_000),
    Mode("SCAN", "SC", 100, 100, 15, (21, 29), 15, 120_000, strict=True),
    Mode("SCAN_WIDE", "SCW", 200, 300, 42, (21, 26), 27, 180_000, strict=True),
    _spot("SPOT", "SL", 10, 1, 110_000),
    _spot("SPOTLIGHT", "SL", 10, 1, 110_000),
    _spot("SPOTLIGHT_EXTENDED_AREA", "SLEA", 10, 1, 150_000, size=15),
    _spot("SPOTLIGHT_HIGH_1L", "SLH", 10, 1, 130_000),
    _spot("SPOTLIGHT_HIGH_2L", "SLH", 10, 1, 140_000),
    _spot("SPOTLIGHT_FINE", "SLF", 15, 0.5, 200_000),
    _spot("SPOTLIGHT_FINE_1L", "SLF", 15, 0.5, 200_000),
    _spot("SPOTLIGHT_FINE_2L", "SLF", 15, 0.5, 210_000),
    _spot("SPOTLIGHT_FINE_3L", "SLF", 15, 0.5, 220_000),
    _spot("SPOTLIGHT_PRECISE_1L", "SLP", 20, 0.25, 300_000),
    _spot("SPOTLIGHT_PRECISE_2L", "SLP", 20, 0.25, 310_000),
    _spot("SPOTLIGHT_PRECISE_3L", "SLP", 20, 0.25, 320_000),
    _spot("SPOTLIGHT_EXTENDED_DWELL", "SLED", 25, 1, 250_000),
    _spot("SPOTLIGHT_EXTENDED_DWELL_FINE", "SLEDF", 25, 0.5, 300_000),
    _spot("SPOTLIGHT_EXTENDED_DWELL_PRECISE", "SLEDP", 25, 0.25, 350_000, far=33),
)
MODES = {mode.name: mode for mode in _ALL}


def sla_hours(sla: str) -> float:
    """Hours in the name of an SLA (``SLA_8H``); 24 for a name without them."""
    digits = sla.removeprefix("SLA_").removesuffix("H")
    return float(digits) if digits.isdigit() and int(digits) else 24.0


def price(mode: str, priority: str, sla: str, exclusivity: str, eula: str) -> int:
    """What a task costs, minor units; the figures are made up, the order of them is what one would expect."""
    amount = float(MODES[mode].price if mode in MODES else 150_000)
    amount *= 0.4 if priority == "BACKGROUND" else 1.0
    amount *= 1.0 + max(0.0, 24 - sla_hours(sla)) / 64
    amount *= 0.8 if exclusivity == "PUBLIC" else 1.0
    amount *= {"GOVERNMENT": 1.2, "MULTI": 1.5}.get(eula, 1.0)
    return round(amount / 100) * 100
