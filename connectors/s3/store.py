"""One bucket of an object store, with its answers sorted into temporary and permanent ones."""

import contextlib
import io
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from connectors.base import ConnectorError
from connectors.runtime.error_text import encryption_fault, one_line
from connectors.runtime.threaded_writer import Retry
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.settings import Settings

log = logging.getLogger("vigie")

PART = 8 << 20
"""Bytes of a part of a large object."""
ALREADY_THERE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
NOT_ALLOWED = {
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
}
BAD_OBJECT = {
    "KeyTooLongError", "InvalidObjectName", "XMinioInvalidObjectName", "InvalidURI",
    "EntityTooLarge", "InvalidArgument",
}  # fmt: skip
"""Codes that blame the object, not the moment.

Amazon S3 API Reference, "Error responses"; MinIO's own begin with an X.
"""

SICK = (0, 429, 502, 503, 504, 507)
"""Statuses of a store that takes nothing now, whatever the object."""

FAILURES = (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError, ParseError)
"""What the client raises; the last two for answers that are no S3."""


class ObjectRejected(Exception):
    """The store will never take this object: the message says why."""


class Store:
    """One bucket. Thread-safe.

    Its methods raise `Retry` for what may work later and `ObjectRejected` for what never will.
    """

    def __init__(self, connection: ObjectStoreConnection, settings: Settings) -> None:
        parts = urlsplit(connection.url)
        self._url = connection.url.rstrip("/")
        self._name = settings.connection
        self._bucket = settings.bucket
        self._create = settings.create
        self._region = connection.region
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=min(connection.timeout, 5), read=connection.timeout),
            maxsize=settings.parallel,
            retries=False,
            cert_reqs="CERT_REQUIRED",
            ca_certs=_readable(connection.ca, settings.connection),
        )
        self._client = Minio(
            parts.netloc,
            access_key=connection.access_key.get_secret_value(),
            secret_key=connection.secret_key.get_secret_value(),
            secure=parts.scheme == "https",
            region=connection.region,
            http_client=self._http,
        )
        if connection.style == "virtual":
            self._client.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
        elif connection.style == "path":
            self._client.disable_virtual_style_endpoint()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Close the connections."""
        self._http.clear()

    def make_ready(self) -> None:
        """Make the bucket if it is missing and may be made."""
        try:
            if self._has_bucket():
                return
            if not self._create:
                raise Retry(
                    f"the object store {self._url} has no bucket {self._bucket!r}; make it, or set"
                    " create to true"
                )
            self._client.make_bucket(self._bucket, location=self._region)
        except FAILURES as error:
            if _code(error) not in ALREADY_THERE:
                self._raise(error)

    def probe(self, key: str) -> None:
        """See whether the store takes an object and gives it back; raises `Retry` if not.

        Whether we may read it and delete it does not matter.
        """
        try:
            self.put(key, b"-", "text/plain")
            self._read_back(key)
        except ObjectRejected as rejected:
            raise Retry(f"the object store {self._url} takes no object ({rejected})") from rejected
        with contextlib.suppress(Retry, ObjectRejected):
            self.delete(key)

    def _read_back(self, key: str) -> None:
        try:
            self.get(key)
        except Retry as retry:
            if retry.suspect:
                raise

    def _has_bucket(self) -> bool:
        try:
            return bool(self._client.bucket_exists(self._bucket))
        except FAILURES as error:
            if _status(error) == 404:
                return False
            if _code(error) == "AccessDenied":
                return True  # whoever may write objects need not be allowed to ask for the bucket
            raise

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object in one request, which replaces that of the key whole or not at all."""
        try:
            stored = self._client.put_object(
                self._bucket,
                key,
                io.BytesIO(data),
                len(data),
                content_type=content_type,
                part_size=max(len(data), 5 << 20),  # never in several requests
            )
            if not stored.etag:
                raise ValueError("it confirms an object without its ETag")
        except FAILURES as error:
            self._raise(error)

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store a file, in parts if it is large; it replaces that of the key whole or not at all.

        It is never in memory as a whole.
        """
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                self._client.put_object(
                    self._bucket,
                    key,
                    file,
                    size,
                    content_type=content_type,
                    part_size=PART,
                    num_parallel_uploads=1,
                )
        except FileNotFoundError:
            raise
        except FAILURES as error:
            self._raise(error)

    def get(self, key: str) -> bytes | None:
        """The content of an object; None where there is none."""
        response = None
        try:
            response = self._client.get_object(self._bucket, key)
            return response.data
        except FAILURES as error:
            if _status(error) == 404 and _code(error) != "NoSuchBucket":
                return None
            self._raise(error)
        finally:
            if response is not None:
                response.close()
                response.release_conn()

    def size(self, key: str) -> int | None:
        """Bytes of an object; None where there is none."""
        try:
            return int(self._client.stat_object(self._bucket, key).size or 0)
        except FAILURES as error:
            if _status(error) == 404:
                return None
            self._raise(error)

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """The bytes of a part of an object, piece by piece."""
        response = None
        try:
            response = self._client.get_object(self._bucket, key, start, length)
            yield from response.stream(64 << 10)
        except FAILURES as error:
            self._raise(error)
        finally:
            if response is not None:
                response.close()
                response.release_conn()

    def address(self, key: str, seconds: int) -> str:
        """An address by which anybody may read an object for so many seconds."""
        try:
            lasting = timedelta(seconds=seconds)
            return str(self._client.presigned_get_object(self._bucket, key, lasting))
        except FAILURES as error:
            self._raise(error)

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""
        try:
            self._client.remove_object(self._bucket, key)
        except FAILURES as error:
            if _status(error) != 404:
                self._raise(error)

    def names(self, prefix: str) -> list[str]:
        """The keys that begin so, in their order."""
        try:
            found = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
            return sorted(item.object_name for item in found if item.object_name)
        except FAILURES as error:
            self._raise(error)

    def buckets(self) -> list[str]:
        """The names of all buckets of the store; empty where we may not ask."""
        try:
            return sorted(bucket.name for bucket in self._client.list_buckets() if bucket.name)
        except FAILURES as error:
            if _status(error) == 403:
                return []
            self._raise(error)

    def expiries(self) -> dict[str, tuple[str, int]]:
        """Prefix of the keys and days of each life-cycle rule, by its name.

        Empty where the store keeps no such rules.
        """
        try:
            return {
                rule.rule_id or "": (
                    (rule.rule_filter and rule.rule_filter.prefix) or "",
                    rule.expiration.days,
                )
                for rule in self._rules()
                if rule.status == ENABLED and rule.expiration and rule.expiration.days
            }
        except FAILURES as error:
            if _status(error) in (404, 405, 501) and _code(error) != "NoSuchBucket":
                return {}
            self._raise(error)

    def expire(self, rule: str, prefix: str, days: int) -> None:
        """Have the store delete objects `days` after they were written.

        Warns once where the store has no such rules. Other rules of the bucket stay as they are;
        `rule` is the name of ours.
        """
        wanted = Rule(
            ENABLED,
            rule_id=rule,
            rule_filter=Filter(prefix=prefix),
            expiration=Expiration(days=days),
        )
        try:
            present = self._rules()
            if not any(_same(other, wanted) for other in present):
                others = [other for other in present if other.rule_id != rule]
                self._client.set_bucket_lifecycle(self._bucket, LifecycleConfig([*others, wanted]))
                if not any(_same(other, wanted) for other in self._rules()):
                    self._cannot_expire(days, "it took the rule and does not have it")
        except (ServerError, urllib3.exceptions.HTTPError, OSError) as error:
            if _status(error) != 501:
                self._raise(error)
            self._cannot_expire(days, str(error))
        except (MinioException, ValueError, ParseError) as error:
            if _status(error) in (500, 502, 503, 504):
                self._raise(error)
            self._cannot_expire(days, _message(error))

    def _rules(self) -> list[Rule]:
        config = self._client.get_bucket_lifecycle(self._bucket)
        return config.rules if config else []

    def _cannot_expire(self, days: int, why: str) -> None:
        log.warning(
            "the object store %s keeps no life-cycle rules (%s): objects in %s are never deleted;"
            " delete those older than %d days by a task of your own, or leave keep out",
            self._url,
            why,
            self._bucket,
            days,
        )

    def _raise(self, error: Exception) -> NoReturn:
        code, status = _code(error), _status(error)
        where = f"the object store {self._url}"
        if code in BAD_OBJECT or status in (413, 414):
            raise ObjectRejected(_message(error)) from error
        if code in NOT_ALLOWED or status in (401, 403):
            raise Retry(
                f"{where} does not let us use the bucket {self._bucket!r} ({_message(error)});"
                f" check access_key, secret_key and region of the connection {self._name!r}, and"
                " the rights of that key"
            ) from error
        if code == "NoSuchBucket":
            raise Retry(
                f"{where} has no bucket {self._bucket!r} any more; make it again"
            ) from error
        if isinstance(error, MinioException):
            detail = f"{where} answers {_message(error)}; trying again"
            raise Retry(detail, suspect=status not in SICK) from error
        if fault := encryption_fault(error):
            raise Retry(f"{where}: {fault} of the connection {self._name!r}") from error
        if isinstance(error, (urllib3.exceptions.HTTPError, OSError)):
            raise Retry(
                f"no object store answers at {self._url} ({_message(error)}); is it running there?"
            ) from error
        raise Retry(
            f"{self._url} answers, but not as an object store does ({_message(error)}); check url"
            f" of the connection {self._name!r}"
        ) from error


def _same(one: Rule, other: Rule) -> bool:
    return (
        one.rule_id == other.rule_id
        and one.status == other.status
        and one.rule_filter is not None
        and other.rule_filter is not None
        and (one.rule_filter.prefix or "") == (other.rule_filter.prefix or "")
        and one.expiration is not None
        and other.expiration is not None
        and one.expiration.days == other.expiration.days
    )


def _code(error: Exception) -> str:
    return (error.code or "") if isinstance(error, S3Error) else ""


def _status(error: Exception) -> int:
    if isinstance(error, S3Error):
        return int(error.response.status)
    if isinstance(error, ServerError):
        return error.status_code
    return error._code if isinstance(error, InvalidResponseError) else 0


def _message(error: Exception) -> str:
    """What went wrong, in a few words.

    Errors of the connection are named by their kind, for their texts hold memory addresses.
    """
    if isinstance(error, S3Error):
        return f"{error.code}: {error.message or error.response.status}"[:300]
    if isinstance(error, InvalidResponseError):
        return f"status {error._code}"
    if isinstance(error, (urllib3.exceptions.HTTPError, OSError)):
        return type(getattr(error, "reason", None) or error).__name__
    return one_line(str(error), 300)


def _readable(ca: str | None, name: str) -> str | None:
    if ca is not None:
        try:
            with open(ca, "rb"):
                pass
        except OSError as error:
            raise ConnectorError(
                f"connection {name!r}: the certificate authority {ca} cannot be read"
                f" ({error.strerror}); check ca"
            ) from error
    return ca
