"""What a name or a media type claims a file to be. It is never believed: `sniffing` says what a file is.

Every ending and media type that STAC items of this field use stands here. One without a format is known and has no
first bytes to tell it by (``NOT_JUDGED``): such a file is taken at the length that its server states.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

NOT_JUDGED = ""
"""The format of what is known and cannot be told by its first bytes."""


class NotJudged(Exception):
    """A look at a file does not tell whether it is whole; the message says why, for a person."""


class Format(NamedTuple):
    """How files of one format are called, by people, in file names and in media types; the usual one first."""

    called: str
    endings: str
    media_types: str


FORMATS = {
    "tiff": Format(
        "a TIFF",
        "tif tiff gtif gtiff geotiff cog btf tf8 ovr msk",
        "image/tiff image/geotiff image/x.geotiff image/vnd.stac.geotiff image/tif",
    ),
    "png": Format("a PNG", "png", "image/png"),
    "jpeg": Format("a JPEG", "jpg jpeg jpe jfif", "image/jpeg image/jpg image/pjpeg"),
    "webp": Format("a WebP", "webp", "image/webp"),
    "gif": Format("a GIF", "gif", "image/gif"),
    "jp2": Format("a JPEG 2000", "jp2 jpx jpf", "image/jp2 image/jpx"),
    "j2k": Format("a JPEG 2000 codestream", "j2k j2c jpc", "image/j2c image/x-jp2-codestream"),
    "hdf": Format(
        "an HDF file",
        "h5 hdf5 he5 h5z hdf hdf4 h4 nc4",
        "application/x-hdf5 application/x-hdf application/hdf5 application/hdf application/x-hdf4",
    ),
    "netcdf": Format(
        "a netCDF",
        "nc ncdf",
        "application/netcdf application/x-netcdf application/x-netcdf4 application/vnd.netcdf",
    ),
    "nitf": Format(
        "a NITF",
        "ntf nitf nsf nsif sicd sidd",
        "application/vnd.nitf image/nitf application/x-nitf image/vnd.nitf",
    ),
    "zip": Format(
        "a ZIP archive",
        "zip kmz npz zipx",
        "application/zip application/x-zip-compressed application/vnd.google-earth.kmz application/x-zip",
    ),
    "gzip": Format(
        "a gzip file", "gz tgz svgz", "application/gzip application/x-gzip application/x-tgz application/tar+gzip"
    ),
    "bzip2": Format("a bzip2 file", "bz2 tbz tbz2", "application/x-bzip2 application/bzip2"),
    "xz": Format("an xz file", "xz txz", "application/x-xz"),
    "zstd": Format("a zstd file", "zst zstd tzst", "application/zstd"),
    "7z": Format("a 7z archive", "7z", "application/x-7z-compressed"),
    "tar": Format("a tar archive", "tar", "application/x-tar application/tar"),
    "pdf": Format("a PDF", "pdf", "application/pdf"),
    "parquet": Format(
        "a Parquet file",
        "parquet geoparquet gpq",
        "application/vnd.apache.parquet application/x-parquet application/parquet",
    ),
    "sqlite": Format(
        "SQLite",
        "gpkg sqlite mbtiles",
        "application/geopackage+sqlite3 application/vnd.sqlite3 application/x-sqlite3",
    ),
    "shapefile": Format("a shapefile", "shp shx", "application/x-shapefile application/vnd.shp application/vnd.shx"),
    "grib": Format(
        "a GRIB",
        "grib grb grib2 grb2",
        "application/wmo-grib2 application/wmo-grib application/x-grib application/grib",
    ),
    "las": Format("a LAS file", "las laz", "application/vnd.las application/vnd.laszip"),
    "flatgeobuf": Format("a FlatGeobuf", "fgb", "application/vnd.flatgeobuf application/flatgeobuf"),
    "json": Format(
        "JSON",
        "json geojson topojson jsonl ndjson geojsonl geojsonseq stac czml gltf",
        "application/json application/geo+json application/ld+json application/schema+json text/json",
    ),
    "xml": Format(
        "XML",
        "xml kml gml xsd xsl svg vrt qml dim safe",
        "application/xml text/xml image/svg+xml application/gml+xml",
    ),
    "html": Format("HTML", "html htm xhtml", "text/html application/xhtml+xml"),
    NOT_JUDGED: Format(
        "",
        "csv tsv txt text md log hdr met mtl imd rpb rpc til ila eph geo att md5 sha1 sha256 sha512 sig asc crc prj "
        "dbf cpg qpj sbn sbx idx tfw tifw pgw jgw j2w wld aux rrd ige ceos cdf cos n1 e00 lut clr yaml yml toml ini "
        "doc docx xls xlsx bmp avif heic heif jxl mp4 mov mpg ts avi mkv ecw sid mrf lrc dt0 dt1 dt2 lyr zarr npy pkl "
        "mat rar lz4 lz z br copc pmtiles avro arrow feather",
        "text/plain text/csv text/markdown text/tab-separated-values application/octet-stream application/x-filegdb "
        "application/vnd.dbf application/yaml image/bmp image/avif video/mp4 application/vnd+zarr application/vnd.zarr "
        "application/vnd.laszip+copc binary/octet-stream",
    ),
}
_VAGUE = ("img", "dat", "raw", "bin", "slc", "bil", "bip", "bsq", "data", "file")
"""Endings that say nothing: there the media type speaks, if there is one."""
FORMAT_OF_ENDING = {ending: kind for kind, one in FORMATS.items() for ending in one.endings.split()}
FORMAT_OF_MEDIA_TYPE = {name: kind for kind, one in FORMATS.items() for name in one.media_types.split()}
MEDIA_TYPE_OF = {kind: one.media_types.split()[0] for kind, one in FORMATS.items() if kind}
"""The usual media type of each format."""
_SUFFIX_OF = {kind: f".{one.endings.split()[0]}" for kind, one in FORMATS.items() if kind not in ("", "shapefile")}
_SUFFIX_OF_MEDIA_TYPE = {
    "application/geo+json": ".geojson",
    "application/vnd.google-earth.kml+xml": ".kml",
    "application/vnd.google-earth.kmz": ".kmz",
    "application/gml+xml": ".gml",
    "image/svg+xml": ".svg",
    "application/x-tgz": ".tgz",
    "application/vnd.shp": ".shp",
    "application/vnd.shx": ".shx",
    "application/vnd.dbf": ".dbf",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/markdown": ".md",
}
TEXTS = ("json", "xml", "html")
"""Formats that are text: an error message of a server is one, too."""


def format_of(name: str, media_type: str | None = None) -> str | None:
    """The format a file claims by its name, else by its media type.

    Returns:
        A format; `NOT_JUDGED` for what is known to have no first bytes to tell it by; ``None`` for what is not known.
    """
    ending = PurePosixPath(name).suffix.lower().removeprefix(".")
    if ending in _VAGUE:
        return of_media_type(media_type) or NOT_JUDGED
    by_name = FORMAT_OF_ENDING.get(ending)
    return by_name if by_name is not None else of_media_type(media_type)


def suffix_of(media_type: str | None) -> str:
    """The file name ending that a media type is usually given; empty when it is not known."""
    return _SUFFIX_OF_MEDIA_TYPE.get(_plain(media_type)) or _SUFFIX_OF.get(of_media_type(media_type) or "", "")


def of_media_type(media_type: str | None) -> str | None:
    """The format a media type claims; ``None`` when it is not known."""
    plain = _plain(media_type)
    if plain in FORMAT_OF_MEDIA_TYPE:
        return FORMAT_OF_MEDIA_TYPE[plain]
    return {"json": "json", "xml": "xml"}.get(plain.rpartition("+")[2]) if "+" in plain else None


def _plain(media_type: str | None) -> str:
    """A media type without its parameters, in lower case."""
    return (media_type or "").split(";")[0].strip().lower()
