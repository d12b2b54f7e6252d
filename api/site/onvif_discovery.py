"""Discovery of cameras on the local network: a WS-Discovery probe (ONVIF Core, chapter 7.3)."""

import asyncio
import html
import re
import uuid
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from api.site.onvif_media import FoundStream, streams
from api.site.onvif_soap import Asker, OnvifError

MULTICAST = ("239.255.255.250", 3702)
LONGEST_ANSWER = 64 << 10
MOST_ANSWERS = 500
MOST_SERVICES = 3
"""So many of a device's addresses are tried: by HTTP and HTTPS, or where one is of old."""
AT_ONCE = 16
"""Devices that are asked for their streams at a time."""
_PROBE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:n="http://www.onvif.org/ver10/network/wsdl">
<e:Header><w:MessageID>uuid:{id}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""


class FoundCamera(msgspec.Struct):
    """A device that answered: its address, its service addresses, and its description of itself.

    `streams` are the addresses of its pictures; `problem` says why there are none.
    """

    address: str
    services: list[str]
    name: str | None = None
    hardware: str | None = None
    location: str | None = None
    streams: list[FoundStream] = []
    problem: str | None = None


async def discover(seconds: float, target: tuple[str, int] = MULTICAST) -> list[FoundCamera]:
    """The devices that answer within `seconds`, by address.

    Raises `OSError` where the network cannot be probed.
    """
    answers: dict[str, FoundCamera] = {}
    loop = asyncio.get_running_loop()
    probe = str(uuid.uuid4())
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Listener(probe, answers),
        local_addr=("0.0.0.0", 0),  # noqa: S104  answers come to it, nothing is served
    )
    try:
        transport.sendto(_PROBE.format(id=probe).encode(), target)
        await asyncio.sleep(seconds)
    finally:
        transport.close()
    return [answers[address] for address in sorted(answers)]


async def discover_streams(
    seconds: float, asker: Asker, target: tuple[str, int] = MULTICAST
) -> list[FoundCamera]:
    """The devices that answer, with their streams. Raises `OSError` as `discover` does."""
    found = await discover(seconds, target)
    turn = asyncio.Semaphore(AT_ONCE)

    async def look(camera: FoundCamera) -> None:
        own = [url for url in camera.services if _host(url) == camera.address]
        camera.problem = None if own else "it names no service at its own address"
        for service in own[:MOST_SERVICES]:
            async with turn:
                try:
                    camera.streams, camera.problem = await streams(service, asker), None
                    return
                except OnvifError as error:
                    camera.problem = camera.problem or str(error)
                except ValueError:
                    camera.problem = camera.problem or "it names an address that is none"

    await asyncio.gather(*map(look, found))
    return found


def _host(url: str) -> str | None:
    """The host of an address; None where there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, probe: str, answers: dict[str, FoundCamera]) -> None:
        self._probe = probe
        self._answers = answers

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        if len(data) > LONGEST_ANSWER or (
            address[0] not in self._answers and len(self._answers) >= MOST_ANSWERS
        ):
            return
        text = data.decode("utf-8", "replace")
        if self._probe in text and (found := read_answer(text, str(address[0]))):
            self._answers[found.address] = found


def read_answer(text: str, address: str) -> FoundCamera | None:
    """The device that an answer describes; None if it is no answer.

    Looks for the few elements it needs: entities are never expanded.
    """
    services = [
        url for url in _element(text, "XAddrs").split() if url.startswith(("http://", "https://"))
    ]
    if "ProbeMatch" not in text or not services:
        return None
    scopes = _element(text, "Scopes").split()
    return FoundCamera(
        address,
        services,
        _scope(scopes, "name"),
        _scope(scopes, "hardware"),
        _scope(scopes, "location"),
    )


def _element(text: str, name: str) -> str:
    found = re.search(rf"<(?:[\w-]{{1,40}}:)?{name}(?:\s[^>]{{0,400}})?>([^<]{{0,8000}})<", text)
    return html.unescape(found[1]) if found else ""


def _scope(scopes: list[str], name: str) -> str | None:
    head = f"onvif://www.onvif.org/{name}/"
    return next(
        (unquote(scope[len(head) :])[:200] for scope in scopes if scope.startswith(head)), None
    )
