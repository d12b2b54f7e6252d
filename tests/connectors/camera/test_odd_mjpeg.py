"""MJPEG over HTTP as cameras send it, by the book or not."""

import time
from itertools import islice

import pytest

from connectors.camera.streams.stream import AvStream, StreamError, Unreadable
from tests.flows.vision.mjpeg_server import ODD, mjpeg
from tests.waiting import PATIENCE


@pytest.mark.parametrize("way", ODD)
def test_pictures_come_however_a_camera_parts_them(way: str) -> None:
    with mjpeg(way) as address:
        try:
            sizes = seen(address, only_jpegs=False)
        except Unreadable:
            sizes = seen(address, only_jpegs=True)
    assert sizes == [(320, 240)] * 3


def seen(address: str, only_jpegs: bool) -> list[tuple[int, int]]:
    """The sizes of three pictures; a server that was late on a busy machine is asked again."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return three(address, only_jpegs)
        except Unreadable:
            raise
        except StreamError:
            if time.monotonic() > until:
                raise


def three(address: str, only_jpegs: bool) -> list[tuple[int, int]]:
    stream = AvStream(address, "http", only_jpegs=only_jpegs)
    try:
        pictures = list(islice(stream.pictures(), 3))
    finally:
        stream.close()
    assert stream.facts.damaged == 0
    return [(picture.frame.width, picture.frame.height) for picture in pictures]
