"""A test picture of a camera that is to be added."""

import asyncio
import contextlib
import json
import sys
from urllib.parse import quote, urlsplit, urlunsplit

from api.site.outside import Forbidden, check_outside

WAIT = 10.0
LARGEST = 4 << 20


class NoPicture(Exception):
    """There is no picture; the message is for people and holds no credentials."""


async def picture_of(url: str, username: str, password: str, loopback: bool) -> bytes:
    """A picture of the camera at an address, as JPEG, taken by a process that may not hang.

    User and password take the place of those that the address names. Raises `NoPicture`.
    """
    try:
        place = await check_outside(url, loopback=loopback)
    except Forbidden as error:
        raise NoPicture(str(error)) from None
    except OSError:
        raise NoPicture(f"nobody knows the name {urlsplit(url).hostname!r}") from None
    parts = urlsplit(url)
    host = f"[{place.address}]" if ":" in place.address else place.address
    user = f"{quote(username, safe='')}:{quote(password, safe='')}@" if username else ""
    address = urlunsplit(parts._replace(netloc=f"{user}{host}:{place.port}", fragment=""))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "connectors.camera.one_picture",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        request = json.dumps({"address": address}).encode() + b"\n"
        async with asyncio.timeout(WAIT):
            answer, _ = await process.communicate(request)
    except TimeoutError:
        raise NoPicture(f"no picture came within {WAIT:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == 0 and answer.startswith(b"\xff\xd8") and len(answer) <= LARGEST:
        return answer
    said = answer.decode("utf-8", "replace")[:200] if process.returncode == 1 else ""
    raise NoPicture(said or "the picture could not be taken; is vigie[vision] installed here?")
