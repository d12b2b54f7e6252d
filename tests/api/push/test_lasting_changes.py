"""What still holds of an alarm, as the server tells it first and as the page follows it."""

import json
import random
import subprocess
from typing import Any

import msgspec
import pytest

from api.push.last_values import LastAlarms
from api.push.updates import plain
from operators.events import AlarmTransition
from tests.api.events import alarm
from tests.api.static.test_units import NODE

FOLLOW = """
const {AlarmStore} = await import("./api/static/alarms/alarm_store.js");
const {lives} = JSON.parse(await new Response(process.stdin).text());
const stores = lives.map(({told, changes}) => {
  const store = new AlarmStore();
  store.start(told);
  for (const change of changes) store.take(change);
  return store.all();
});
process.stdout.write(JSON.stringify(stores), () => process.exit());
"""
MASKS = {"shelved": "shelved:timed", "suppressed": "suppressed", "oos": "oos"}


def life(rng: random.Random) -> list[AlarmTransition]:
    """Changes as an engine makes them."""
    out = []
    occ, flags = 0, set[str]()
    for seq in range(1, rng.randint(2, 25)):
        do = rng.choice(["activated", "acked", "returned", "commented", "rule_changed", *MASKS])
        more: dict[str, Any] = {}
        if do == "activated":
            occ += 1
            flags |= {"active", "unacked"}
            more = {"value": rng.random()}
        elif do == "acked":
            flags -= {"unacked"}
            more = {"user": "bob", "comment": rng.choice([None, "on my way"])}
        elif do == "returned":
            flags -= {"active"}
        elif do == "commented":
            more = {"user": "eve", "comment": f"seen {seq}"}
        elif do in MASKS:
            flag = MASKS[do]
            more = {"user": "ada", "comment": rng.choice([None, f"because {seq}"])}
            if flag in flags:
                flags -= {flag}
                do = {"oos": "in_service"}.get(do, f"un{do}")
            else:
                flags |= {flag}
                more |= {"until": 1e6 + seq} if do == "shelved" else {}
                do = {"oos": "out_of_service"}.get(do, do)
        isa = next(
            (letter for letter, flag in zip("GFE", ["oos", "suppressed", "shelved:timed"], strict=True)
             if flag in flags),
            {(True, True): "B", (True, False): "C", (False, True): "D", (False, False): "A"}[
                "active" in flags, "unacked" in flags
            ],
        )  # fmt: skip
        said = rng.choice([{}, {"message": None}, {"limit": None, "response": None}])
        out.append(alarm(seq, isa, event=do, occ=occ, flags=sorted(flags), **more, **said))
    return out


@pytest.mark.parametrize("seed", range(3))
def test_the_page_keeps_of_an_alarm_what_the_server_would_tell_it_anew(seed: int) -> None:
    rng = random.Random(seed)
    lives, expected = [], []
    for _ in range(300):
        changes = life(rng)
        cut = rng.randint(0, len(changes))
        first, whole = LastAlarms(), LastAlarms()
        first.extend(changes[:cut])
        whole.extend(changes)
        live = [plain(change) for change in changes[cut:]]
        lives.append({"told": first.current(), "changes": live})
        expected.append(whole.current())
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", "globalThis.localStorage = {getItem: () => 'en'};" + FOLLOW],
        input=json.dumps({"lives": lives}), capture_output=True, text=True, check=True,
    )  # fmt: skip
    for followed, told, one in zip(json.loads(done.stdout), expected, lives, strict=True):
        assert followed == msgspec.to_builtins(told), one
