"""How long each bucket of a site's object store keeps what it holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TypeVar

from connectors.base import NoAnswer
from connectors.runtime.threaded_writer import Retry
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.settings import Settings
from connectors.s3.store import Store
from flows.admin.life_cycle import LifeCycle
from flows.admin.retention import Kept, days_text

T = TypeVar("T")


def of_buckets(
    connection: ObjectStoreConnection,
    name: str,
    declared: Sequence[LifeCycle],
    uses: Mapping[str, str],
) -> Iterator[Kept]:
    """The buckets of an object store; `uses` says what some are for. Raises `NoAnswer`."""
    found = set(_with_store(connection, name, "vigie", Store.buckets))
    named = {one.bucket for one in declared} | uses.keys()
    for bucket in sorted(found | named):
        use = uses.get(bucket, "")
        if found and bucket not in found:
            yield Kept(f"bucket {bucket}", "", "; ".join(filter(None, (use, "not there yet"))))
            continue
        wanted = {one.rule: one for one in declared if one.bucket == bucket}
        rules = _with_store(connection, name, bucket, Store.expiries)
        if not rules:
            yield Kept(f"bucket {bucket}", days_text(None), use)
        for rule, (prefix, days) in sorted(rules.items()):
            one = wanted.get(rule)
            note = "" if one is None or one.days == days else _differs(one)
            yield Kept(f"bucket {bucket}/{prefix}", days_text(days), note)
        for rule, one in sorted(wanted.items()):
            if one.days is not None and rule not in rules:
                yield Kept(f"bucket {bucket}/{one.prefix}", days_text(None), _differs(one))


def _with_store(
    connection: ObjectStoreConnection, name: str, bucket: str, work: Callable[[Store], T]
) -> T:
    with closing(Store(connection, Settings(name, bucket, create=False))) as store:
        try:
            return work(store)
        except Retry as error:
            raise NoAnswer(error.detail) from error


def _differs(one: LifeCycle) -> str:
    if one.days is None:
        return f"its sink says for ever: take the rule {one.rule} out of the bucket"
    return f"its sink says {days_text(one.days)}: vigie retention set, or the flow's next start"


def expire(connection: ObjectStoreConnection, name: str, rule: LifeCycle) -> None:
    """Have the store delete the objects of a sink; a missing bucket is made.

    Raises `NoAnswer`.
    """
    assert rule.days is not None
    with closing(Store(connection, Settings(name, rule.bucket))) as store:
        try:
            store.make_ready()
            store.expire(rule.rule, rule.prefix, rule.days)
        except Retry as error:
            raise NoAnswer(error.detail) from error
