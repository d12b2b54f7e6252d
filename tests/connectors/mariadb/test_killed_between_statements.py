"""A reader that is killed between every two statements sees what one sees that runs on."""

import random

import pytest

from infra.embedded.mariadb import MariaDB
from operators.events import Row
from tests.recorder import RecorderDatabase, Watching

XA = (
    ("a", "XA START 'kept'"),
    ("b", "XA START 'lost', 'branch', 7"),
    ("a", "INSERT INTO meters VALUES (1, 10), (2, 20)"),
    ("b", "INSERT INTO meters VALUES (3, 30)"),
    ("a", "XA END 'kept'"),
    ("c", "INSERT INTO meters VALUES (4, 40)"),
    ("a", "XA PREPARE 'kept'"),
    ("b", "XA END 'lost', 'branch', 7"),
    ("b", "XA PREPARE 'lost', 'branch', 7"),
    ("c", "UPDATE meters SET watts = 41 WHERE id = 4"),
    ("b", "XA ROLLBACK 'lost', 'branch', 7"),
    ("c", "INSERT INTO meters VALUES (5, 50)"),
    ("a", "XA COMMIT 'kept'"),
    ("a", "XA START 'kept'"),  # a name that is used again
    ("a", "DELETE FROM meters WHERE id = 1"),
    ("a", "XA END 'kept'"),
    ("a", "XA PREPARE 'kept'"),
    ("a", "XA COMMIT 'kept'"),
    ("c", "INSERT INTO meters VALUES (0, 0)"),
)
VERSIONED = (
    ("c", "INSERT INTO meters VALUES (1, 10), (2, 20)"),
    ("c", "ALTER TABLE meters ADD SYSTEM VERSIONING"),
    ("c", "UPDATE meters SET watts = 11 WHERE id = 1"),
    ("c", "BEGIN"),
    ("c", "UPDATE meters SET watts = 12 WHERE id = 1"),
    ("c", "INSERT INTO meters VALUES (3, 30)"),
    ("c", "DELETE FROM meters WHERE id = 2"),
    ("c", "COMMIT"),
    ("c", "DELETE HISTORY FROM meters"),
    ("c", "UPDATE meters SET id = 9 WHERE id = 3"),
    ("c", "DELETE FROM meters WHERE id = 9"),
    ("c", "INSERT INTO meters VALUES (0, 0)"),
)


def what(rows: list[Row]) -> list[tuple[object, ...]]:
    return [(row.id, row.op, row.values["id"], row.values["watts"]) for row in rows]


@pytest.mark.parametrize("statements", [XA, VERSIONED], ids=["xa", "versioned"])
def test_what_is_killed_between_every_two_statements_sees_all_that_is_committed_and_nothing_else(
    statements: tuple[tuple[str, str], ...], mariadb: MariaDB, unique: str
) -> None:
    db = RecorderDatabase(mariadb, unique)
    db.run("CREATE TABLE meters(id INT PRIMARY KEY, watts INT)")
    sessions = {name: db.connect(database=db.name).cursor() for name in "abc"}
    settings = {"tables": ["meters"], "snapshot": False}
    with Watching(db.url, server_id=701, **settings) as whole:
        whole.until_live()
        positions, seen = [whole.position], [what([])]
        chance = random.Random(7)
        for session, statement in statements:
            sessions[session].execute(statement)
            target = db.gtid()
            back = chance.randrange(min(3, len(positions)))  # the last positions were not saved yet
            with Watching(db.url, positions[-1 - back], server_id=702, **settings) as killed:
                killed.until(lambda w=killed, t=target: w.position["gtid"] == t, "the position")
                positions.append(killed.position)
                seen.append(what(killed.rows))
                assert killed.letters == []
        whole.until(lambda: what(whole.rows)[-1:] and what(whole.rows)[-1][2] == 0, "the last row")
        assert whole.letters == []
    once = list(dict.fromkeys(row for rows in seen for row in rows))
    assert once == what(whole.rows)
