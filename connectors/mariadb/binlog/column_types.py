"""The types of columns in the binary log, and what belongs to each."""

(
    TINY, SHORT, LONG, FLOAT, DOUBLE, TIMESTAMP, LONGLONG, INT24, DATE, TIME, DATETIME, YEAR,
) = (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13)  # fmt: skip
NEWDATE, VARCHAR, BIT, TIMESTAMP2, DATETIME2, TIME2 = 14, 15, 16, 17, 18, 19
BLOB_COMPRESSED, VARCHAR_COMPRESSED = 140, 141
JSON, NEWDECIMAL, ENUM, SET, TINY_BLOB, MEDIUM_BLOB = 245, 246, 247, 248, 249, 250
LONG_BLOB, BLOB, VAR_STRING, STRING, GEOMETRY = 251, 252, 253, 254, 255

NUMERIC = {TINY, SHORT, INT24, LONG, LONGLONG, NEWDECIMAL, FLOAT, DOUBLE, YEAR}
CHARACTER = {STRING, VAR_STRING, VARCHAR, BLOB, GEOMETRY, BLOB_COMPRESSED, VARCHAR_COMPRESSED}
TWO_META_BYTES = {VARCHAR, VAR_STRING, STRING, NEWDECIMAL, BIT, ENUM, SET, VARCHAR_COMPRESSED}
ONE_META_BYTE = {
    DOUBLE, FLOAT, BLOB, GEOMETRY, JSON, TIMESTAMP2, DATETIME2, TIME2, BLOB_COMPRESSED,
}  # fmt: skip

_BLOBS = {
    f"{size}{kind}": {BLOB, BLOB_COMPRESSED}
    for size in ("", "tiny", "medium", "long")
    for kind in ("text", "blob")
}
DECLARED = {
    "tinyint": {TINY},
    "smallint": {SHORT},
    "mediumint": {INT24},
    "int": {LONG},
    "bigint": {LONGLONG},
    "float": {FLOAT},
    "double": {DOUBLE},
    "decimal": {NEWDECIMAL},
    "date": {DATE, NEWDATE},
    "time": {TIME, TIME2},
    "year": {YEAR},
    "datetime": {DATETIME, DATETIME2},
    "timestamp": {TIMESTAMP, TIMESTAMP2},
    "bit": {BIT},
    "enum": {ENUM},
    "set": {SET},
    "varchar": {VARCHAR, VARCHAR_COMPRESSED},
    "varbinary": {VARCHAR, VARCHAR_COMPRESSED},
    "vector": {VARCHAR},
    "char": {STRING},
    "binary": {STRING},
    "uuid": {STRING},
    "inet6": {STRING},
    "inet4": {STRING},
    "json": {BLOB, JSON},
    **_BLOBS,
}
"""The types that a column can have which is declared so (`DATA_TYPE` of information_schema)."""
