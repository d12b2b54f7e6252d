"""The model of a camera source: found when the flow starts, fetched where it is an object."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from connectors.base import ConnectorError
from connectors.config.site import Site
from connectors.detector.lookup import Fetch, Places, find_model, parse_object
from connectors.runtime.optional_packages import needing
from connectors.s3.connection import ObjectStoreConnection
from flows.vision.child_process import revealed

OBJECTS = "minio"
OBJECT = "s3://"


def places_of(site: Site, definition: Path) -> Places:
    """Where a definition's models are looked for; `definition` is its folder."""
    return Places(definition, site.folder, site.models)


def model_settings(name: str, site: Site, definition: Path) -> dict[str, Any]:
    """What the detection process needs to load a model. Raises `ModelError` or `SiteError`.

    A model in an object store is fetched by the process itself, so that nothing waits for it.
    """
    meant = site.models.get(name, name)
    if not meant.startswith(OBJECT):
        return {"model": find_model(name, places_of(site, definition)), "objects": None}
    parse_object(meant)
    connection = site.connection(OBJECTS, ObjectStoreConnection)
    return {"model": meant, "objects": revealed(connection)}


def fetched(model: str, objects: Mapping[str, Any] | None, cache: Path | None) -> str:
    """The file of a model of `model_settings`. Raises `ConnectorError`."""
    fetch = None if objects is None else fetch_from(objects)
    return find_model(model, Places(cache=cache, fetch=fetch))


def fetch_from(objects: Mapping[str, Any]) -> Fetch:
    """A function that fetches objects; `objects` is the connection to their store, revealed."""

    def fetch(bucket: str, key: str) -> bytes:
        with needing("a model in an object store", "objects", "minio", "urllib3"):
            from connectors.s3.settings import Settings
            from connectors.s3.store import Store
        store = Store(
            ObjectStoreConnection.model_validate(objects), Settings(OBJECTS, bucket, create=False)
        )
        try:
            data = _plainly(lambda: store.get(key))
        finally:
            store.close()
        if data is None:
            raise ConnectorError(f"the bucket {bucket!r} has no object {key!r}")
        return data

    return fetch


def _plainly(work: Callable[[], bytes | None]) -> bytes | None:
    """Run work on a store, whose own errors become a `ConnectorError`."""
    from connectors.runtime.threaded_writer import Retry
    from connectors.s3.store import ObjectRejected

    try:
        return work()
    except (Retry, ObjectRejected) as error:
        raise ConnectorError(str(error)) from error
