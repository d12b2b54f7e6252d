"""Programs that post events over HTTP, again and again until they get their 202."""

import http.client
import json
from typing import ClassVar

from infra.embedded.ports import HOST
from tests.chaos.ends.numbers import Numbers
from tests.chaos.ends.senders import Sender, envelope

LONGEST_LIST = 100
PATIENCE = 15.0


class Poster(Sender):
    """Posts lists of envelopes on one connection; an answer other than 202, or none, means the
    same list again.
    """

    SOURCE: ClassVar[str] = "http"

    def __init__(self, numbers: Numbers, rate: float, port: int, token: str) -> None:
        super().__init__(numbers, rate)
        self._link = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def send(self, due: int) -> None:
        while self.confirmed < due:
            until = min(due, self.confirmed + LONGEST_LIST)
            body = [envelope(self.numbers, number) for number in range(self.confirmed, until)]
            if not self._post(json.dumps(body).encode()):
                return
            self.confirmed = until

    def _post(self, body: bytes) -> bool:
        try:
            self._link.request("POST", "/events", body, self._headers)
            answer = self._link.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._link.close()
            return False
        if answer.status not in (202, 503):
            raise RuntimeError(
                f"the HTTP source answered {answer.status} {answer.reason}; expected 202 or 503"
            )
        return answer.status == 202

    def close(self) -> None:
        self._link.close()
