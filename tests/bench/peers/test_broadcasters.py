"""The peers of benchmarks run: they are started by no other test."""

import contextlib
from pathlib import Path

import pytest
from websockets.sync.client import connect

from infra.embedded.broker import Broker
from tests.bench.fanout import server_of
from tests.waiting import wait_until


@pytest.mark.service
@pytest.mark.parametrize("kind", ["naive", "library"])
def test_the_peers_of_the_push_layer_hand_out_what_comes(
    kind: str, unique: str, tmp: Path, broker: Broker
) -> None:
    with (
        server_of(kind, tmp / unique, broker) as (server, topics),
        connect(f"ws://127.0.0.1:{server.port}/ws", compression=None) as client,
    ):

        def hands_out() -> bool:
            topics.pushed("busy", [{"n": 1}])  # what came before a peer reads, it passes over
            with contextlib.suppress(TimeoutError):
                return '{"n": 1}' in str(client.recv(timeout=1))
            return False

        wait_until(hands_out, what="a message")
