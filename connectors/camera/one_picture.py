"""One picture of a camera, by a process of its own: `python -m connectors.camera.one_picture`.

Reads `{"address": …}` as a line of JSON, since arguments show in the list of processes, and
answers with a JPEG, or with a sentence that says why there is none and the status 1. Who starts it
ends it when it takes too long.
"""

import errno
import json
import sys

import av
import cv2
from av.error import FFmpegError

from connectors.camera.address import masked_address
from connectors.camera.streams.elsewhere import HTTP_OPTIONS, connections, other_machine

WAIT = 6.0
LARGEST = 1280
LED_AWAY = "it breaks off, or leads to another address, which is not followed"
SAFE = "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto"


class NoPicture(Exception):
    """There is no picture; the message has no credentials."""


def one_picture(address: str) -> bytes:
    """A picture of the camera, as JPEG. Raises `NoPicture`."""
    options = {"protocol_whitelist": SAFE}
    is_rtsp = address.startswith("rtsp")
    if is_rtsp:
        options |= {"rtsp_transport": "tcp"}
    else:
        options |= HTTP_OPTIONS  # else it sends us anywhere
    before = connections()
    try:
        with av.open(address, options=options, timeout=(WAIT, WAIT)) as stream:
            if is_rtsp and other_machine(address, before):
                raise NoPicture(LED_AWAY)
            for frame in stream.decode(video=0):
                width = min(frame.width, LARGEST)
                height = max(1, round(frame.height * width / frame.width))
                picture = frame.reformat(width, height, "bgr24").to_ndarray()
                done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
                if done:
                    return bytes(jpeg.tobytes())
    except IndexError:
        raise NoPicture("it has no video") from None
    except (FFmpegError, OSError, ValueError) as error:
        raise NoPicture(_explained(error)) from None
    raise NoPicture("it sends no picture that can be decoded")


def _explained(error: Exception) -> str:
    name = type(error).__name__
    words = {
        "HTTPUnauthorizedError": "it does not take this user and password",
        "HTTPForbiddenError": "it does not take this user and password",
        "HTTPNotFoundError": "it answers, but has no stream of this path",
        "ConnectionRefusedError": "nothing listens there",
        "TimeoutError": "it does not answer",
        "ExitError": "it does not answer in time",
        "InvalidDataError": "what comes from there is no video",
        "ArgumentError": "what comes from there is no video, or leads to another address (HLS)",
    }
    if getattr(error, "errno", None) == errno.EIO:
        return LED_AWAY
    return words.get(name) or masked_address(getattr(error, "strerror", "") or name)


def main() -> int:
    """Read the request, write the answer."""
    request = json.loads(sys.stdin.readline())
    try:
        sys.stdout.buffer.write(one_picture(str(request["address"])))
    except NoPicture as error:
        sys.stdout.write(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
