"""A picture of an order: its area, the footprints on offer, and the one that was chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Protocol

from tasking.area import Area
from tasking.candidate import Candidate
from tasking.coverage import repaired, shapes_near
from tasking.plain_text import printable

_SIZE, _LEFT, _TOP, _RIGHT, _BOTTOM = 560.0, 62.0, 22.0, 18.0, 104.0
_MOST_DRAWN = 150
_MOST_NUMBERED = 12
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#334}.t{fill:#778;font-size:11px}"
    ".g{stroke:#d5dae3;fill:none}.f{stroke:#8b97ab;fill:none;stroke-dasharray:4 3}"
    ".u{stroke:#5b7fb5;fill:#5b7fb5;fill-opacity:.03}.c{stroke:#d9480f;stroke-width:2.5;fill:#f76707;fill-opacity:.22}"
    ".a{stroke:#12365f;stroke-width:2;fill:#12365f;fill-opacity:.12}"
    ".s{fill:#eaf2f8}.l{fill:#f1ecdf;stroke:#b3a88c;fill-rule:evenodd}"
    ".n{font-weight:600;paint-order:stroke;stroke:#fff;stroke-width:3;stroke-linejoin:round}"
)


class Drawn(Protocol):
    """A candidate with its place in a picture."""

    @property
    def candidate(self) -> Candidate:
        """With its footprint, where there is one."""

    @property
    def usable(self) -> bool:
        """Whether it can be ordered."""


def footprint_svg(
    area: Area, ranked: Sequence[Drawn], chosen: Sequence[Drawn], numbers: Mapping[str, int] | None = None
) -> str:
    """An SVG with the area, the candidates' footprints and the chosen ones, over coastlines, north up.

    At most 150 footprints are drawn, the best ranked first; the legend counts all. Text from outside is escaped.

    Args:
        area: The area of the order.
        ranked: The candidates, the best first.
        chosen: Those to highlight; empty when nothing was chosen.
        numbers: By candidate's id, to be written on its footprint; those beyond 12 are left out.

    Returns:
        A complete ``<svg>`` document as text, below 30 kB for 100 candidates.
    """
    view = _View(area)
    taken = {each.candidate.id for each in chosen}
    others = [each for each in ranked if each.candidate.id not in taken]
    drawn = [*others[:_MOST_DRAWN], *chosen]
    which, shapes = shapes_near(view.middle, [each.candidate.footprint for each in drawn])
    layers: dict[str, list[str]] = {"f": [], "u": [], "c": []}
    labels = _Labels(view)
    for index, shape in zip(which, repaired(shapes), strict=True):
        each = drawn[int(index)]
        kind = "c" if each.candidate.id in taken else "u" if each.usable else "f"
        layers[kind].append(view.path(shape))
        if (number := (numbers or {}).get(each.candidate.id, _MOST_NUMBERED + 1)) <= _MOST_NUMBERED:
            labels.add(number, shape)
    return _picture("Area and candidate footprints", view, area, layers, _rows(others, chosen), labels)


def delivered_svg(area: Area, footprints: Sequence[dict[str, Any] | None], share: float | None) -> str:
    """An SVG with the area and what was delivered of it, over coastlines, north up.

    Args:
        area: The area of the order.
        footprints: GeoJSON geometries of the images; at most 150 are drawn.
        share: What they cover together, 0..100; ``None`` when nothing tells.
    """
    view = _View(area)
    _, shapes = shapes_near(view.middle, footprints[:_MOST_DRAWN])
    drawn = [view.path(shape) for shape in repaired(shapes)]
    covers = "" if share is None else f", which cover {share:.1f} % of the area"
    images = f"{len(footprints)} delivered image{'' if len(footprints) == 1 else 's'}{covers}"
    return _picture("Area and delivered images", view, area, {"c": drawn}, [_AREA_ROW, ("c", images)])


def _picture(
    title: str,
    view: _View,
    area: Area,
    layers: Mapping[str, Sequence[str]],
    rows: Sequence[tuple[str, str]],
    labels: object = "",
) -> str:
    paths = "".join(f'<path class="{kind}" d="{path}"/>' for kind, found in layers.items() for path in found if path)
    width, height = view.width + _LEFT + _RIGHT, view.height + _TOP + _BOTTOM
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img"><title>{title}</title><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<clipPath id="v"><rect x="{_LEFT}" y="{_TOP}" width="{view.width:.1f}" height="{view.height:.1f}"/>'
        f"</clipPath>"
        f'<rect class="s" x="{_LEFT}" y="{_TOP}" width="{view.width:.1f}" height="{view.height:.1f}"/>'
        f'<g clip-path="url(#v)"><path class="l" d="{view.land()}"/></g>'
        f"{view.frame()}"
        f'<g clip-path="url(#v)">{paths}<path class="a" d="{view.ring(area.ring)}"/>{labels}</g>'
        f"{_north(view)}{_legend(view, rows)}</svg>"
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

    def back(self, x: float, y: float) -> tuple[float, float]:
        """From pixels to degrees."""
        return self.west + (x - _LEFT) / (self.squeeze * self.scale), self.north - (y - _TOP) / self.scale

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

    def land(self) -> str:
        """The land within the view; detail below a pixel is dropped."""
        import shapely

        from tasking.coastlines import land_in

        seen = shapely.simplify(land_in(self.west, self.south, self.east, self.north), 1.0 / self.scale)
        parts = [part for part in shapely.get_parts(seen) if part.geom_type == "Polygon" and not part.is_empty]
        rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
        return "".join(self.ring(list(ring.coords)) for ring in rings)

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


class _Labels:
    """Numbers on footprints, each where it is farthest from those before it."""

    def __init__(self, view: _View) -> None:
        self._view, self._placed = view, list[tuple[float, float, int]]()

    def add(self, number: int, shape: Any) -> None:
        """Number a footprint; one that is not in the view gets none."""
        import shapely

        view = self._view
        seen = shapely.clip_by_rect(shape, view.west, view.south, view.east, view.north)
        part = max(shapely.get_parts(seen), key=lambda one: one.area, default=None)
        if part is None or part.geom_type != "Polygon" or part.is_empty:
            return
        middle = view.at(*part.representative_point().coords[0])
        corners = [view.at(*corner[:2]) for corner in list(part.exterior.coords)[:40]]
        inner = [(0.75 * x + 0.25 * middle[0], 0.75 * y + 0.25 * middle[1]) for x, y in corners]
        spots = [middle, *(spot for spot in inner if part.contains(shapely.Point(*view.back(*spot))))]
        x, y = max(spots, key=lambda spot: min((math.dist(spot, one[:2]) for one in self._placed), default=0.0))
        self._placed.append((x, y, number))

    def __str__(self) -> str:
        return "".join(
            f'<text class="n" text-anchor="middle" x="{x:.1f}" y="{y + 4:.1f}">{number}</text>'
            for x, y, number in self._placed
        )


_AREA_ROW = ("a", "Area of the order")


def _rows(others: Sequence[Drawn], chosen: Sequence[Drawn]) -> list[tuple[str, str]]:
    """The legend's rows: class of the layer, and text."""
    usable = sum(each.usable for each in others)
    rows = [_AREA_ROW]
    if len(chosen) > 1:
        first, last = chosen[0].candidate.start, max(each.candidate.start for each in chosen)
        rows.append(("c", f"Chosen: {len(chosen)} captures, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"))
    for each in chosen if len(chosen) == 1 else ():
        unseen = "" if each.candidate.footprint else " (no footprint given)"
        platform = (each.candidate.platform or "satellite")[:40]
        rows.append(("c", f"Chosen: {platform}, {each.candidate.start:%Y-%m-%d %H:%M} UTC{unseen}"))
    rows.append(("u", f"{usable} other usable candidate{'' if usable == 1 else 's'}"))
    if len(others) > usable:
        rows.append(("f", f"{len(others) - usable} not usable"))
    return rows


def _legend(view: _View, rows: Sequence[tuple[str, str]]) -> str:
    top = _TOP + view.height + 32
    source = f'<text class="t" text-anchor="end" x="{_LEFT + view.width:.1f}" y="{top + 64:.1f}">'
    return f"{source}Land: Natural Earth</text>" + "".join(
        f'<rect class="{kind}" x="{_LEFT}" y="{top + 18 * n:.1f}" width="18" height="10"/>'
        f'<text x="{_LEFT + 26}" y="{top + 18 * n + 10:.1f}">{escape(printable(text))}</text>'
        for n, (kind, text) in enumerate(rows)
    )
