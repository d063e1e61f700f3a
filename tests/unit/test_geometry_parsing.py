"""Areas and points as maps, editors and people write them: taken where they mean, or refused; never elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import shapely

from tasking.area import Area
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.errors import InvalidOrder
from tasking.iceye.order import IceyeOrder
from tasking.order import order_from
from tasking.point import Point
from tasking.satellogic.order import SatellogicOrder
from tests.support.order_fields import GOOD

CASES = Path(__file__).parents[1] / "fixtures" / "input"
WINDOW = GOOD["window"]
BAY = (139.76, 35.42, 140.0, 35.66)
RING = [[139.76, 35.42], [140.0, 35.42], [140.0, 35.66], [139.76, 35.66], [139.76, 35.42]]
POLYGON: dict[str, Any] = {"type": "Polygon", "coordinates": [RING]}
WKT = "POLYGON ((139.76 35.42, 140.0 35.42, 140.0 35.66, 139.76 35.66, 139.76 35.42))"


def case(name: str) -> str:
    return (CASES / name).read_text(encoding="utf-8")


def area(written: object) -> Area:
    """By way of an order of AxelGlobe and of Satellogic, whose areas are covered in strips: both read it alike."""
    strips = order_from(SatellogicOrder, {"name": "Bay", "product": "area", "area": written, "window": WINDOW}).area
    whole = order_from(AxelGlobeOrder, {**GOOD, "area": written}).area
    assert strips == whole
    return whole


def point(written: object) -> tuple[float, float]:
    """By way of an order of ICEYE and of Satellogic: both read it alike."""
    radar = order_from(IceyeOrder, {"name": "Bay", "point": written, "window": WINDOW}).point
    optical = order_from(SatellogicOrder, {"name": "Bay", "point": written, "window": WINDOW}).point
    assert optical is not None
    assert radar == optical
    return radar.lon, radar.lat


def with_crs(crs: object, geometry: dict[str, Any], where: str = "collection") -> dict[str, Any]:
    feature: dict[str, Any] = {"type": "Feature", "properties": {}, "geometry": dict(geometry)}
    collection = {"type": "FeatureCollection", "features": [feature]}
    named: dict[str, dict[str, Any]] = {"collection": collection, "feature": feature, "geometry": feature["geometry"]}
    named[where]["crs"] = crs
    return collection


def name_of(crs: str) -> dict[str, Any]:
    return {"type": "name", "properties": {"name": crs}}


TAKEN = {
    "byte order mark": case("area_bom.geojson"),
    "no-break spaces": case("area_nbsp.wkt"),
    "QGIS": case("area_qgis_polygonz.wkt"),
    "a copy of the world in the west": case("area_wrapped_west.geojson"),
    "a copy of the world in the east": case("area_wrapped_east.geojson"),
    "two copies off": {"type": "Polygon", "coordinates": [[[lon + 720, lat] for lon, lat in RING]]},
    "quotes": json.dumps(WKT),
    "quotes in quotes": json.dumps(json.dumps(WKT)),
    "GeoJSON in quotes": json.dumps(json.dumps(POLYGON)),
    "single quotes": f"'{WKT}'",
    "typographic quotes": f"“{WKT}”",
    "quotes and spaces": f' \u3000"{WKT} " \n',
    "quotes that are not escaped": f'"{json.dumps(POLYGON)}"',
    "in lines": WKT.replace(" ", "\r\n\t"),
    "ideographic and thin spaces": WKT.replace(" ", "\u3000\u2009"),
    "full width": "".join(chr(ord(c) + 0xFEE0) if c in "(),.0123456789POLYGN" else c for c in WKT),
    "Arabic digits": WKT.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "JSON with no-break spaces": "\ufeff" + json.dumps(POLYGON).replace(" ", "\u00a0"),
    "soft hyphens and joiners": "\u200e" + WKT.replace("35", "3\u200b5"),
    "lower case and Z": WKT.lower().replace("polygon", "polygon z").replace(",", " 12.5,").replace("))", " 12.5))"),
    "ZM": re.sub(r"([,)])", r" 12.5 3\1", WKT, count=5).replace("POLYGON", "Polygon ZM"),
    "M": re.sub(r"([,)])", r" 3\1", WKT, count=5).replace("POLYGON", "POLYGONM"),
    "2.5D": re.sub(r"([,)])", r" 3\1", WKT, count=5).replace("POLYGON", "Polygon25D"),
    "MultiPolygonZ": re.sub(r"([,)])", r" 3\1", WKT, count=5).replace("POLYGON (", "MultiPolygonZ ((") + ")",
    "PostGIS": f"SRID=4326;{WKT}",
    "PostGIS with spaces": f"srid = 4326 ; {WKT}",
    "PostGIS, JGD2011": f"SRID=6668;{WKT}",
    "shapely": shapely.set_srid(shapely.box(*BAY), 4326),
    "shapely, three-dimensional": shapely.force_3d(shapely.box(*BAY), 5.0),
    "clockwise": {"type": "Polygon", "coordinates": [RING[::-1]]},
    "heights": {"type": "Polygon", "coordinates": [[[*each, 12.5] for each in RING]]},
    "positions twice": {"type": "Polygon", "coordinates": [[each for each in RING for _ in range(2)]]},
    "a MultiPolygon of one": {"type": "MultiPolygon", "coordinates": [[RING]]},
    **{
        f"crs {crs} in the {where}": with_crs(crs if isinstance(crs, dict) else name_of(crs), POLYGON, where)
        for where in ("collection", "feature", "geometry")
        for crs in ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326")
    },
    **{
        f"crs {crs}": with_crs(crs if isinstance(crs, dict) else name_of(crs), POLYGON)
        for crs in (
            "EPSG:4326",
            "epsg:4326",
            "urn:ogc:def:crs:OGC::CRS84",
            "urn:ogc:def:crs:OGC:1.3:CRS84h",
            "OGC:CRS84",
            "CRS:84",
            "WGS84",
            "WGS 84",
            "urn:x-ogc:def:crs:EPSG:4326",
            "urn:ogc:def:crs:EPSG:6.9:4326",
            "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            "http://www.opengis.net/def/crs/EPSG/0/4326",
            "http://www.opengis.net/gml/srs/epsg.xml#4326",
            "EPSG:4979",  # WGS84 with heights
            "urn:ogc:def:crs:EPSG::6668",  # JGD2011: a few centimetres from WGS84
            "EPSG:4612",
            "EPSG:4258",
            {"type": "EPSG", "properties": {"code": 4326}},
            {"type": "EPSG", "properties": {"code": "EPSG:4326"}},
        )
    },
    "crs null": with_crs(None, POLYGON),
    "crs as bare text": {**POLYGON, "crs": "EPSG:4326"},
}


@pytest.mark.parametrize("written", TAKEN.values(), ids=TAKEN)
def test_what_means_tokyo_bay_is_taken_there(written: object) -> None:
    assert area(written).bounds == pytest.approx(BAY, abs=1e-9)


REFUSED: dict[str, tuple[object, str]] = {
    # case: (what is written, what the refusal says)
    "Paris, in grads": (case("area_crs_paris_grads.geojson"), r"area\.crs: urn:.*4807: this is NTF \(Paris\).*grad\)"),
    "Tokyo datum": (case("area_crs_tokyo_datum.geojson"), r"area\.crs: urn:.*4301: this is Tokyo, 46\d m off here"),
    "Tokyo datum, PostGIS": (f"SRID=4301;{WKT}", r"area\.SRID: EPSG:4301: this is Tokyo, 46\d m off"),
    "Tokyo datum, in a Feature": (with_crs(name_of("EPSG:4301"), POLYGON, "feature"), r"area\.features\[0\]\.crs: "),
    "Tokyo datum, in a geometry": (with_crs(name_of("EPSG:4301"), POLYGON, "geometry"), r"\[0\]\.geometry\.crs: "),
    "Tokyo datum, in text in a Feature": (
        {"type": "Feature", "geometry": json.dumps({**POLYGON, "crs": name_of("EPSG:4301")})},
        r"area\.geometry\.crs: ",
    ),
    "Tokyo datum, shapely": (shapely.set_srid(shapely.box(*BAY), 4301), r"area\.crs: EPSG:4301: this is Tokyo"),
    "NAD27": ({**POLYGON, "crs": name_of("EPSG:4267")}, r"this is NAD27"),
    "web mercator": (with_crs(name_of("urn:ogc:def:crs:EPSG::3857"), POLYGON), "Pseudo-Mercator .*metre"),
    "UTM": (with_crs(name_of("EPSG:32654"), POLYGON), "UTM zone 54N"),
    "Esri": (with_crs(name_of("ESRI:102100"), POLYGON), "Mercator"),
    "no such system": (with_crs(name_of("EPSG:999999"), POLYGON), "there is no reference system EPSG:999999"),
    "an unknown system": (
        with_crs(name_of("our own grid"), POLYGON),
        "our own grid: this reference system is not known",
    ),
    "a linked system": (
        with_crs({"type": "link", "properties": {"href": "https://example.com/our.prj", "type": "esriwkt"}}, POLYGON),
        "not known here",
    ),
    "a system without a name": (with_crs({"type": "name"}, POLYGON), "not known here"),
    "a local system": (with_crs(name_of("urn:ogc:def:crs:EPSG::4035"), POLYGON), r"area\.crs: "),
    "a bidi override": (WKT.replace("35.42", "\u202e24.53", 1), r"U\+202E \(right-to-left override\) at \d+"),
    "a Greek letter": (WKT.replace("O", "Ο"), "neither GeoJSON nor WKT"),
    "a superscript": (WKT.replace("35.42", "35.4²", 1), r"U\+00B2 \(superscript two\)"),
    "an ideographic comma": (WKT.replace(",", "、", 1), r"U\+3001 \(ideographic comma\) at 23"),
    "a range": (WKT.replace("139.76", "139–140", 1), r"U\+2013 \(en dash\)"),
    "typographic quotes in JSON": (json.dumps(POLYGON).replace('"', "“"), "left double quotation mark"),
    "decimal commas": (WKT.replace(", ", "; ").replace(".", ","), "separate longitude and latitude by a space"),
    "decimal commas in JSON": (
        {
            "type": "Polygon",
            "coordinates": [[[139, 76, 35, 42], [140, 0, 35, 42], [140, 0, 35, 66], [139, 76, 35, 42]]],
        },
        r"coordinates\[0\]\[0\]: \[139, 76, 35, 42\]: .*decimals with a point",
    ),
    "commas between": ("POLYGON ((139.76,35.42 140.0,35.42 140.0,35.66 139.76,35.42))", "by a space"),
    "KML": ("<?xml version='1.0'?><kml><Polygon/></kml>", "looks like XML, such as KML"),
    "KML's coordinates": ("139.76,35.42,0 140.0,35.42,0 140.0,35.66,0 139.76,35.42,0", "numbers alone"),
    "bounds": ("139.76, 35.42, 140.0, 35.66", re.escape("write POLYGON ((139.76 35.42, 140.0 35.42, 140.0 35.66,")),
    "bounds in a list": ([139.76, 35.42, 140.0, 35.66], "if these are bounds"),
    "bounds in JSON": ("[139.76, 35.42, 140.0, 35.66]", "if these are bounds"),
    "bounds, latitude first": ("35.42 139.76 35.66 140.0", "look like bounds"),
    "PostGIS' box": ("BOX(139.76 35.42,140.0 35.66)", "BOX is not taken"),
    "WKB": (shapely.to_wkb(shapely.box(*BAY), hex=True), "looks like WKB"),
    "a file": ("/data/areas/bay.geojson", "name of a file; paste what is in it"),
    "an address": ("https://example.com/bay", "name of a file"),
    "degrees and minutes": ("35°25'12\"N 139°45'36\"E", "decimal numbers"),
    "letters of direction": ("N35.42 E139.76", "decimal numbers"),
    "a collection": (f"GEOMETRYCOLLECTION ({WKT})", "GEOMETRYCOLLECTION is not taken"),
    "a curve": ("CURVEPOLYGON (CIRCULARSTRING (0 0, 1 1, 2 0, 1 -1, 0 0))", "CURVEPOLYGON is not taken"),
    "two texts": (f"{WKT}\n{WKT}", "Unexpected text"),
    "Esri's JSON": ({"rings": [RING], "spatialReference": {"wkid": 4326}}, "the JSON of Esri"),
    "TopoJSON": ({"type": "Topology", "objects": {}, "arcs": []}, r"area\.type: Topology"),
    "a Feature of nothing": (
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None}]},
        "a Polygon",
    ),
    "a far copy": ({"type": "Polygon", "coordinates": [[[lon + 3600, lat] for lon, lat in RING]]}, "outside -180..180"),
    "NaN in JSON": (json.dumps(POLYGON).replace("35.66", "NaN"), "finite numbers"),
    "infinite WKT": (WKT.replace("35.66", "1e999"), "finite numbers"),
    "text in text without end": (
        json.dumps(json.dumps(json.dumps(json.dumps(json.dumps(json.dumps("x")))))),
        "neither",
    ),
    "bytes": (WKT.encode(), r"area: b'POLYGON"),
    "a number": (5, "area: 5: give a GeoJSON"),
    "a truth value": (True, "area: True: give a GeoJSON"),
}


@pytest.mark.parametrize(("written", "says"), REFUSED.values(), ids=REFUSED)
def test_an_area_that_would_lie_elsewhere_is_refused_with_what_to_do(written: object, says: str) -> None:
    with pytest.raises(InvalidOrder, match=says) as refused:
        area(written)
    assert str(refused.value).startswith("area")
    assert len(str(refused.value)) < 700


def test_typographic_minus_signs_are_minus_signs() -> None:
    assert area(case("area_unicode_minus.wkt")).bounds == pytest.approx((-58.4, -34.6, -58.3, -34.5))


POINTS: dict[str, object] = {
    "quotes": '"POINT (139.76 35.42)"',
    "JSON in quotes": json.dumps(json.dumps({"lat": 35.42, "lon": 139.76})),
    "JSON": '{"lat": 35.42, "lon": 139.76}',
    "names in capitals": {"Latitude": 35.42, "LNG": 139.76},
    "QGIS": "PointZ (139.76 35.42 12)",
    "ZM": "POINT ZM (139.76 35.42 12 3)",
    "PostGIS": "SRID=4326;POINT(139.76 35.42)",
    "a MultiPoint of one": {"type": "MultiPoint", "coordinates": [[139.76, 35.42]]},
    "MULTIPOINT": "MultiPointZ ((139.76 35.42 3))",
    "byte order mark": '\ufeff{"type": "Point", "coordinates": [139.76, 35.42]}',
    "ideographic spaces": "POINT\u3000（139.76\u300035.42）",
    "a copy of the world": [139.76 - 360, 35.42],
    "an eastern copy": {"lat": 35.42, "lon": 499.76},
    "crs": with_crs(name_of("urn:ogc:def:crs:OGC:1.3:CRS84"), {"type": "Point", "coordinates": [139.76, 35.42]}),
    "shapely": shapely.Point(139.76, 35.42, 12),
}


@pytest.mark.parametrize("written", POINTS.values(), ids=POINTS)
def test_what_means_a_point_in_tokyo_bay_is_taken_there(written: object) -> None:
    assert point(written) == pytest.approx((139.76, 35.42), abs=1e-9)


POINTS_REFUSED: dict[str, tuple[object, str]] = {
    "Tokyo datum": (case("point_crs_tokyo_datum.geojson"), r"point\.crs: urn:.*4301: this is Tokyo, 4\d\d m off"),
    "Tokyo datum, PostGIS": ("SRID=4301;POINT(139 35)", r"point\.SRID: EPSG:4301"),
    "two numbers": ("35.42, 139.76", re.escape("write POINT (35.42 139.76) or POINT (139.76 35.42)")),
    "decimal commas": ("POINT (139,76 35,42)", "decimals with a point"),
    "decimal commas in JSON": ([139, 76, 35, 42], r"\[139, 76, 35, 42\]: .*decimals with a point"),
    "degrees and minutes": ("35°25'12\"N 139°45'36\"E", "decimal numbers"),
    "the other way round": ([35.42, 139.76], re.escape("longitude comes first; write [139.76, 35.42]")),
    "by name, swapped": ({"lat": 139.76, "lon": 35.42}, "the two look swapped"),
    "texts": ({"lat": "35,42", "lon": "139,76"}, "finite numbers"),
    "null": ({"lat": None, "lon": None}, "finite numbers"),
    "not finite": ('{"lat": NaN, "lon": 1}', "finite numbers"),
    "an area": (POLYGON, "the target is one point"),
    "several": ({"type": "MultiPoint", "coordinates": [[1, 1], [2, 2]]}, "the target is one point"),
    "with a height by name": ({"lat": 35.42, "lon": 139.76, "alt": 3}, "give latitude and longitude by name"),
    "a file": ("point.kml", "name of a file"),
    "a plus code": ("8Q7XFQ00+", "neither GeoJSON nor WKT"),
}


@pytest.mark.parametrize(("written", "says"), POINTS_REFUSED.values(), ids=POINTS_REFUSED)
def test_a_point_that_would_lie_elsewhere_is_refused_with_what_to_do(written: object, says: str) -> None:
    with pytest.raises(InvalidOrder, match=says) as refused:
        point(written)
    assert str(refused.value).startswith("point")


@pytest.mark.parametrize("lon", [-180.0, 180.0, -179.9, 179.9, 0.0])
def test_a_longitude_of_this_world_stays_as_it_was_written(lon: float) -> None:
    assert Point.model_validate([lon, 1.0]).lon == lon


def test_an_area_drawn_over_the_180_meridian_of_another_copy_is_the_same_area() -> None:
    here = Area.model_validate("POLYGON ((179 10, 181 10, 181 11, 179 11, 179 10))")
    for turn in (-720, -360, 360):
        assert (
            Area.model_validate(
                f"POLYGON (({179 + turn} 10, {181 + turn} 10, {181 + turn} 11, {179 + turn} 11, {179 + turn} 10))"
            )
            == here
        )
