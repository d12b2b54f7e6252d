"""The memory of decoders alone: `python -m tests.bench.vision.decoders ADDRESS COUNT`.

Prints the resident MB of a process that decodes that many connections and does nothing else, once
each has given some pictures.
"""

import os
import sys
import threading

from connectors.camera.streams.stream import AvStream
from tests.flow_process import memory_of
from tests.waiting import wait_until

PICTURES = 60


def main(address: str, count: int) -> None:
    """Decode until every connection gave its pictures."""
    given = [0] * count

    def decode(number: int) -> None:
        for _ in AvStream(address, "rtsp").pictures():
            given[number] += 1

    for number in range(count):
        threading.Thread(target=decode, args=(number,), daemon=True).start()
    wait_until(lambda: min(given) >= PICTURES, 120, "pictures of every decoder")
    print(memory_of(os.getpid()), flush=True)
    os._exit(0)  # the threads are in the middle of their streams


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
