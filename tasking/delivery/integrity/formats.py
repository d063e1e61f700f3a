"""What a name or a media type claims a file to be. It is never believed: `sniffing` says what a file is.

Every ending and media type that STAC items of this field use stands here. One without a format is known and has no
first bytes to tell it by (``NOT_JUDGED``): such a file is taken at the length that its server states.
"""

from __future__ import annotations

from pathlib import PurePosixPath

NOT_JUDGED = ""
"""The format of what is known and cannot be told by its first bytes."""

_ENDINGS: dict[str, tuple[str, ...]] = {
    "tiff": ("tif", "tiff", "gtif", "gtiff", "geotiff", "cog", "btf", "tf8", "ovr", "msk"),
    "png": ("png",),
    "jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "webp": ("webp",),
    "gif": ("gif",),
    "jp2": ("jp2", "jpx", "jpf"),
    "j2k": ("j2k", "j2c", "jpc"),
    "hdf": ("h5", "hdf5", "he5", "h5z", "hdf", "hdf4", "h4", "nc4"),
    "netcdf": ("nc", "ncdf"),
    "nitf": ("ntf", "nitf", "nsf", "nsif", "sicd", "sidd"),
    "zip": ("zip", "kmz", "npz", "zipx"),
    "gzip": ("gz", "tgz", "svgz"),
    "bzip2": ("bz2", "tbz", "tbz2"),
    "xz": ("xz", "txz"),
    "zstd": ("zst", "zstd", "tzst"),
    "7z": ("7z",),
    "tar": ("tar",),
    "pdf": ("pdf",),
    "parquet": ("parquet", "geoparquet", "gpq"),
    "sqlite": ("gpkg", "sqlite", "mbtiles"),
    "shapefile": ("shp", "shx"),
    "grib": ("grib", "grb", "grib2", "grb2"),
    "las": ("las", "laz"),
    "flatgeobuf": ("fgb",),
    "json": ("json", "geojson", "topojson", "jsonl", "ndjson", "geojsonl", "geojsonseq", "stac", "czml", "gltf"),
    "xml": ("xml", "kml", "gml", "xsd", "xsl", "svg", "vrt", "qml", "dim", "safe"),
    "html": ("html", "htm", "xhtml"),
    NOT_JUDGED: (
        *(
            "csv",
            "tsv",
            "txt",
            "text",
            "md",
            "log",
            "hdr",
            "met",
            "mtl",
            "imd",
            "rpb",
            "rpc",
            "til",
            "ila",
            "eph",
            "geo",
        ),
        *(
            "att",
            "md5",
            "sha1",
            "sha256",
            "sha512",
            "sig",
            "asc",
            "crc",
            "prj",
            "dbf",
            "cpg",
            "qpj",
            "sbn",
            "sbx",
            "idx",
        ),
        *("tfw", "tifw", "pgw", "jgw", "j2w", "wld", "aux", "rrd", "ige", "ceos", "cdf", "cos", "n1", "e00"),
        *(
            "lut",
            "clr",
            "yaml",
            "yml",
            "toml",
            "ini",
            "doc",
            "docx",
            "xls",
            "xlsx",
            "bmp",
            "avif",
            "heic",
            "heif",
            "jxl",
        ),
        *("mp4", "mov", "mpg", "ts", "avi", "mkv", "ecw", "sid", "mrf", "lrc", "dt0", "dt1", "dt2", "lyr"),
        *("zarr", "npy", "pkl", "mat", "rar", "lz4", "lz", "z", "br", "copc", "pmtiles", "avro", "arrow", "feather"),
    ),
}
_MEDIA_TYPES: dict[str, tuple[str, ...]] = {
    "tiff": ("image/tiff", "image/geotiff", "image/x.geotiff", "image/vnd.stac.geotiff", "image/tif"),
    "png": ("image/png",),
    "jpeg": ("image/jpeg", "image/jpg", "image/pjpeg"),
    "webp": ("image/webp",),
    "gif": ("image/gif",),
    "jp2": ("image/jp2", "image/jpx"),
    "j2k": ("image/j2c", "image/x-jp2-codestream"),
    "hdf": ("application/x-hdf5", "application/x-hdf", "application/hdf5", "application/hdf", "application/x-hdf4"),
    "netcdf": ("application/netcdf", "application/x-netcdf", "application/x-netcdf4", "application/vnd.netcdf"),
    "nitf": ("application/vnd.nitf", "image/nitf", "application/x-nitf", "image/vnd.nitf"),
    "zip": ("application/zip", "application/x-zip-compressed", "application/vnd.google-earth.kmz", "application/x-zip"),
    "gzip": ("application/gzip", "application/x-gzip", "application/x-tgz", "application/tar+gzip"),
    "bzip2": ("application/x-bzip2", "application/bzip2"),
    "xz": ("application/x-xz",),
    "zstd": ("application/zstd",),
    "7z": ("application/x-7z-compressed",),
    "tar": ("application/x-tar", "application/tar"),
    "pdf": ("application/pdf",),
    "parquet": ("application/vnd.apache.parquet", "application/x-parquet", "application/parquet"),
    "sqlite": ("application/geopackage+sqlite3", "application/vnd.sqlite3", "application/x-sqlite3"),
    "shapefile": ("application/x-shapefile", "application/vnd.shp", "application/vnd.shx"),
    "grib": ("application/wmo-grib2", "application/wmo-grib", "application/x-grib", "application/grib"),
    "las": ("application/vnd.las", "application/vnd.laszip"),
    "flatgeobuf": ("application/vnd.flatgeobuf", "application/flatgeobuf"),
    "json": ("application/json", "application/geo+json", "application/ld+json", "application/schema+json", "text/json"),
    "xml": ("application/xml", "text/xml", "image/svg+xml", "application/gml+xml"),
    "html": ("text/html", "application/xhtml+xml"),
    NOT_JUDGED: (
        *("text/plain", "text/csv", "text/markdown", "text/tab-separated-values", "application/octet-stream"),
        *("application/x-filegdb", "application/vnd.dbf", "application/yaml", "image/bmp", "image/avif", "video/mp4"),
        *("application/vnd+zarr", "application/vnd.zarr", "application/vnd.laszip+copc", "binary/octet-stream"),
    ),
}
_VAGUE = ("img", "dat", "raw", "bin", "slc", "bil", "bip", "bsq", "data", "file")
"""Endings that say nothing: there the media type speaks, if there is one."""
FORMAT_OF_ENDING = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings}
FORMAT_OF_MEDIA_TYPE = {name: kind for kind, names in _MEDIA_TYPES.items() for name in names}
MEDIA_TYPE_OF = {kind: names[0] for kind, names in _MEDIA_TYPES.items() if kind}
"""The usual media type of each format."""
SUFFIX_OF = {
    "tiff": ".tif", "png": ".png", "jpeg": ".jpg", "webp": ".webp", "gif": ".gif", "jp2": ".jp2", "j2k": ".j2k",
    "hdf": ".h5", "netcdf": ".nc", "nitf": ".ntf", "zip": ".zip", "gzip": ".gz", "bzip2": ".bz2", "xz": ".xz",
    "zstd": ".zst", "7z": ".7z", "tar": ".tar", "pdf": ".pdf", "parquet": ".parquet", "sqlite": ".gpkg",
    "grib": ".grib", "las": ".las", "flatgeobuf": ".fgb", "json": ".json", "xml": ".xml", "html": ".html",
}  # fmt: skip
"""The usual file name ending of each format."""
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


def plain_type(media_type: str | None) -> str:
    """A media type without its parameters, in lower case."""
    return (media_type or "").split(";")[0].strip().lower()


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
    return _SUFFIX_OF_MEDIA_TYPE.get(plain_type(media_type)) or SUFFIX_OF.get(of_media_type(media_type) or "", "")


def of_media_type(media_type: str | None) -> str | None:
    """The format a media type claims; ``None`` when it is not known."""
    plain = plain_type(media_type)
    if plain in FORMAT_OF_MEDIA_TYPE:
        return FORMAT_OF_MEDIA_TYPE[plain]
    return {"json": "json", "xml": "xml"}.get(plain.rpartition("+")[2]) if "+" in plain else None
