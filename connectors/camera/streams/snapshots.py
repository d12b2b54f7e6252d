"""A camera that has single pictures only: each is asked for by HTTP, at the wanted rate."""

import http.client
import threading
import time
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit, urlunsplit

import av
import cv2
import numpy as np

from connectors.camera.address import masked_address
from connectors.camera.http_auth import HttpAuth
from connectors.camera.streams.elsewhere import http_connection
from connectors.camera.streams.stream import (
    DAMAGED_FOR,
    OPEN_TIMEOUT,
    Picture,
    Refused,
    StreamError,
    StreamFacts,
    Unreadable,
    oversized,
    whole_jpeg,
)
from connectors.camera.streams.whole_picture import too_large
from connectors.runtime.error_text import one_line

LARGEST = 16 << 20
"""Bytes of one picture."""
MULTIPART = "multipart/"


class Snapshots:
    """Asks for a picture `fps` times a second, over one connection where the camera keeps it."""

    def __init__(self, address: str, fps: float, stopping: threading.Event) -> None:
        """Nothing is asked yet."""
        self.facts = StreamFacts(codec="pictures")
        self._shown = masked_address(address)
        self._fps = fps
        self._stopping = stopping
        parts = urlsplit(address)
        self._auth = HttpAuth(unquote(parts.username or ""), unquote(parts.password or ""))
        self._target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        self._link = http_connection(address, OPEN_TIMEOUT)

    def pictures(self) -> Iterator[Picture]:
        """A picture whenever one is due; those that are damaged are counted and left out.

        Raises `StreamError`, `Refused` for a wrong password, and `Unreadable` where no single
        picture comes.
        """
        due = good = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / self._fps, time.monotonic())
            image = self._picture()
            if image is not None:
                good = time.monotonic()
                yield Picture(av.VideoFrame.from_ndarray(image, format="bgr24"), None)
                good = time.monotonic()
                continue
            self.facts.damaged += 1
            if time.monotonic() - good > DAMAGED_FOR:
                raise StreamError(f"{self._shown} sends no picture that can be decoded")

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def _picture(self) -> "np.ndarray | None":
        data = self._fetch()
        if not whole_jpeg(data):
            return None
        if (size := too_large(data)) is not None:
            raise Unreadable(oversized(self._shown, size))
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        return None if image is None else np.asarray(image, np.uint8)

    def _fetch(self) -> bytes:
        """The body of an answer; empty where the camera is busy for the moment."""
        try:
            answer = self._ask()
            if answer.status == 401 and self._auth.take(_challenges(answer)):
                answer.read(LARGEST)
                answer = self._ask()
            return self._taken(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._link.close()
            if isinstance(error, TimeoutError):
                raise StreamError(
                    f"{self._shown} did not answer within {OPEN_TIMEOUT:g} s"
                ) from None
            reason = one_line(getattr(error, "strerror", None) or type(error).__name__)
            raise StreamError(f"{self._shown} cannot be read: {reason}") from None

    def _ask(self) -> http.client.HTTPResponse:
        proof = self._auth.header("GET", self._target)
        headers = {"Authorization": proof} if proof else {}
        is_kept = self._link.sock is not None
        try:
            self._link.request("GET", self._target, headers=headers)
            return self._link.getresponse()
        except (ConnectionError, http.client.BadStatusLine):
            self._link.close()
            if not is_kept:
                raise
            self._link.request("GET", self._target, headers=headers)  # it had ended the connection
            return self._link.getresponse()

    def _taken(self, answer: http.client.HTTPResponse) -> bytes:
        if answer.status in (401, 403):
            self._link.close()
            raise Refused(
                f"{self._shown} refuses the user and password; check both where the flow gets them"
                " from"
            )
        if answer.status == 200 and answer.headers.get_content_type().startswith(MULTIPART):
            self._link.close()  # its end would never come
            raise Unreadable(f"{self._shown} sends a stream, and no single picture")
        if answer.status >= 500:
            answer.read(LARGEST)
            return b""
        if answer.status != 200:
            self._link.close()
            raise StreamError(
                f"{self._shown} answers {answer.status} {one_line(answer.reason)}, and no picture;"
                " check the path of the address"
            )
        data = answer.read(LARGEST + 1)
        if len(data) > LARGEST:
            self._link.close()
            raise Unreadable(f"{self._shown} sends more than a picture: over {LARGEST >> 20} MB")
        return data


def _challenges(answer: http.client.HTTPResponse) -> list[str]:
    return answer.headers.get_all("WWW-Authenticate") or []
