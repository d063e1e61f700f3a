"""A picture of an order: its area, the footprints on offer, and the one that was chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from tasking.area import Area
from tasking.coverage import repaired, shapes_near
from tasking.plain_text import printable
from tasking.ranking import RankedCandidate

_SIZE, _LEFT, _TOP, _RIGHT, _BOTTOM = 560.0, 62.0, 22.0, 18.0, 104.0
_MOST_DRAWN = 150
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#334}.t{fill:#778;font-size:11px}"
    ".g{stroke:#d5dae3;fill:none}.f{stroke:#8b97ab;fill:none;stroke-dasharray:4 3}"
    ".u{stroke:#5b7fb5;fill:#5b7fb5;fill-opacity:.03}.c{stroke:#d9480f;stroke-width:2.5;fill:#f76707;fill-opacity:.22}"
    ".a{stroke:#12365f;stroke-width:2;fill:#12365f;fill-opacity:.12}"
)


def footprint_svg(area: Area, ranked: Sequence[RankedCandidate], chosen: RankedCandidate | None) -> str:
    """An SVG with the area, the candidates' footprints and the chosen one, north up, in a frame of degrees.

    At most 150 footprints are drawn, the best ranked first; the legend counts all. Text from outside is escaped.

    Args:
        area: The area of the order.
        ranked: The candidates, the best first.
        chosen: The one to highlight; ``None`` when nothing was chosen.

    Returns:
        A complete ``<svg>`` document as text, below 30 kB for 100 candidates.
    """
    view = _View(area)
    chosen_id = chosen.candidate.id if chosen else None
    others = [each for each in ranked if each.candidate.id != chosen_id]
    drawn = [*others[:_MOST_DRAWN], *([chosen] if chosen else [])]
    which, shapes = shapes_near(view.middle, [each.candidate.footprint for each in drawn])
    layers: dict[str, list[str]] = {"f": [], "u": [], "c": []}
    for index, shape in zip(which, repaired(shapes), strict=True):
        each = drawn[int(index)]
        kind = "c" if each.candidate.id == chosen_id else "u" if each.usable else "f"
        layers[kind].append(view.path(shape))
    paths = "".join(f'<path class="{kind}" d="{path}"/>' for kind, found in layers.items() for path in found if path)
    width, height = view.width + _LEFT + _RIGHT, view.height + _TOP + _BOTTOM
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img"><title>Area and candidate footprints</title><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<clipPath id="v"><rect x="{_LEFT}" y="{_TOP}" width="{view.width:.1f}" height="{view.height:.1f}"/>'
        f"</clipPath>"
        f"{view.frame()}"
        f'<g clip-path="url(#v)">{paths}<path class="a" d="{view.ring(area.ring)}"/></g>'
        f"{_north(view)}{_legend(view, others, chosen)}</svg>"
    )


class _View:
    """From degrees to pixels: degrees of longitude are shortened by the cosine of the middle latitude."""

    def __init__(self, area: Area) -> None:
        west, south, east, north = area.bounds
        squeeze = max(math.cos(math.radians((south + north) / 2)), 0.05)
        pad = max(0.6 * max((east - west) * squeeze, north - south), 0.1)
        self.west, self.east = west - pad / squeeze, east + pad / squeeze
        self.south, self.north = max(-90.0, south - pad), min(90.0, north + pad)
        self.middle = (west + east) / 2
        across, up = (self.east - self.west) * squeeze, self.north - self.south
        self.scale = min(_SIZE / max(across, up), 1.4 * _SIZE / across)
        self.squeeze = squeeze
        self.width, self.height = across * self.scale, up * self.scale

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        return (
            _LEFT + (lon - self.west) * self.squeeze * self.scale,
            _TOP + (self.north - lat) * self.scale,
        )

    def ring(self, positions: Sequence[Sequence[float]]) -> str:
        steps = (self.at(lon, lat) for lon, lat in positions[:-1])
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in steps) + "Z"

    def path(self, shape: Any) -> str:
        """The outer rings of a footprint; what is far outside the view is cut off, detail below a pixel is dropped."""
        import shapely

        pad_lon, pad_lat = 0.1 * (self.east - self.west), 0.1 * (self.north - self.south)
        box = (self.west - pad_lon, self.south - pad_lat, self.east + pad_lon, self.north + pad_lat)
        seen = shapely.simplify(shapely.clip_by_rect(shape, *box), 1.0 / self.scale)
        parts = [part for part in shapely.get_parts(seen) if part.geom_type == "Polygon" and not part.is_empty]
        return "".join(self.ring(list(part.exterior.coords)) for part in parts)

    def frame(self) -> str:
        """Grid lines at round degrees with their labels, and the border."""
        lines, labels = [], []
        for lon in _round_values(self.west, self.east):
            x, _ = self.at(lon, self.north)
            lines.append(f"M{x:.1f} {_TOP}V{_TOP + self.height:.1f}")
            labels.append(
                f'<text class="t" text-anchor="middle" x="{x:.1f}" y="{_TOP + self.height + 15:.1f}">{_lon(lon)}</text>'
            )
        for lat in _round_values(self.south, self.north):
            _, y = self.at(self.west, lat)
            lines.append(f"M{_LEFT} {y:.1f}H{_LEFT + self.width:.1f}")
            labels.append(f'<text class="t" text-anchor="end" x="{_LEFT - 6}" y="{y + 4:.1f}">{_lat(lat)}</text>')
        lines.append(f"M{_LEFT} {_TOP}h{self.width:.1f}v{self.height:.1f}h{-self.width:.1f}Z")
        return f'<path class="g" d="{"".join(lines)}"/>' + "".join(labels)


def _round_values(low: float, high: float) -> list[float]:
    """About four round values between ``low`` and ``high``."""
    rough = (high - low) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.99)
    first = math.ceil(low / step)
    return [round(n * step, 6) for n in range(first, math.floor(high / step) + 1)]


def _lon(lon: float) -> str:
    lon = (lon + 180) % 360 - 180
    return f"{abs(lon):g}°{'E' if lon > 0 else 'W' if lon < 0 else ''}"


def _lat(lat: float) -> str:
    return f"{abs(lat):g}°{'N' if lat > 0 else 'S' if lat < 0 else ''}"


def _north(view: _View) -> str:
    x, y = _LEFT + view.width - 16, _TOP + 12
    return (
        f'<path d="M{x:.1f} {y:.1f}l5 16l-5 -4l-5 4Z" fill="#334"/>'
        f'<text x="{x:.1f}" y="{y + 29:.1f}" text-anchor="middle">N</text>'
    )


def _legend(view: _View, others: Sequence[RankedCandidate], chosen: RankedCandidate | None) -> str:
    usable = sum(each.usable for each in others)
    rows = [("a", "Area of the order")]
    if chosen is not None:
        unseen = "" if chosen.candidate.footprint else " (no footprint given)"
        platform = (chosen.candidate.platform or "satellite")[:40]
        rows.append(("c", f"Chosen: {platform}, {chosen.candidate.start:%Y-%m-%d %H:%M} UTC{unseen}"))
    rows.append(("u", f"{usable} other usable candidate{'' if usable == 1 else 's'}"))
    if len(others) > usable:
        rows.append(("f", f"{len(others) - usable} not usable"))
    top = _TOP + view.height + 32
    return "".join(
        f'<rect class="{kind}" x="{_LEFT}" y="{top + 18 * n:.1f}" width="18" height="10"/>'
        f'<text x="{_LEFT + 26}" y="{top + 18 * n + 10:.1f}">{escape(printable(text))}</text>'
        for n, (kind, text) in enumerate(rows)
    )
