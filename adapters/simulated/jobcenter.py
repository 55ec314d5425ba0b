# SPDX-License-Identifier: EUPL-1.2
"""The job centres of the demo: a small JSON web service over one data file.

Start: ``python -m adapters.simulated.jobcenter --centre hannover --port 8301 --data jc.json --token-file token
--today 2026-11-22``

========================================  =====================================================
``GET /status``                           whether it runs; needs no token
``GET /api/v1/faelle?bgNummer=…``         ``{"treffer": [{"id": …}]}``
``GET /api/v1/faelle/<id>/<part>``        one part of a case: stammdaten, leistung, einkommen,
                                          eingliederung, vorgang; 404 if there is none
========================================  =====================================================

Every address below ``/api`` needs the bearer token from the token file.
Data file and token file are created if they do not exist.
"""

from __future__ import annotations

import argparse
import errno
import hmac
import json
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from adapters.simulated.model import JobcentrePerson, iso
from adapters.simulated.people import PEOPLE

CENTRES: Final = ("hannover", "celle")
PARTS: Final = ("stammdaten", "leistung", "einkommen", "eingliederung", "vorgang")

_Cases = Mapping[str, Mapping[str, Any]]


def cases(centre: str, today: date) -> dict[str, dict[str, Any]]:
    """All cases of one job centre by their id, with dates counted from `today`."""
    known = [person.jc_hannover if centre == "hannover" else person.jc_celle for person in PEOPLE]
    present = [case for case in known if case is not None]
    return {f"F-{4200 + position}": _case(case, today) for position, case in enumerate(present)}


def _case(known: JobcentrePerson, today: date) -> dict[str, Any]:
    case: dict[str, Any] = {
        "bgNummer": known.number,
        "stammdaten": {
            "name": {"nachname": known.family, "vorname": known.given},
            "geburtsdatum": known.born,
            "staatsangehoerigkeiten": list(known.states),
        },
    }
    if known.benefit is not None:
        kind, granted, begin, end, amount = known.benefit
        case["leistung"] = {
            "art": kind,
            "bewilligt": granted,
            "beginn": iso(today, begin),
            "ende": iso(today, end),
            "betrag": amount,
        }
    if known.income or known.employer is not None:
        name, since, hours = known.employer or (None, None, None)
        case["einkommen"] = {
            "netto": list(known.income),
            "arbeitgeber": name,
            "beschaeftigtSeit": iso(today, since),
            "wochenstunden": hours,
        }
    if known.plan is not None:
        case["eingliederung"] = {"kooperationsplan": known.plan}
    if known.case is not None:
        case["vorgang"] = {"stand": known.case[0], "fehlend": list(known.case[1])}
    return case


class Server(ThreadingHTTPServer):
    """Serves the cases; every request gets a thread."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], data: _Cases, token: str) -> None:
        self.cases = data
        self.token = token
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: otherwise every answer waits 40 ms for an acknowledgement.
    wbufsize = 65_536
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        steps = [unquote(step) for step in url.path.split("/")[1:]]
        if steps == ["status"]:
            self._answer(HTTPStatus.OK, {"bereit": True})
        elif not self._allowed():
            self._answer(HTTPStatus.UNAUTHORIZED, {"fehler": "Token fehlt oder passt nicht"})
        elif steps == ["api", "v1", "faelle"]:
            number = parse_qs(url.query).get("bgNummer", [""])[0]
            found = [key for key, case in self.server.cases.items() if case["bgNummer"] == number]
            self._answer(HTTPStatus.OK, {"treffer": [{"id": key} for key in found]})
        elif steps[:3] == ["api", "v1", "faelle"] and len(steps) == 5 and steps[4] in PARTS:  # noqa: PLR2004 - the five parts of this one address
            part = self.server.cases.get(steps[3], {}).get(steps[4])
            if part is None:
                self._answer(HTTPStatus.NOT_FOUND, {"fehler": "nicht vorhanden"})
            else:
                self._answer(HTTPStatus.OK, part)
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"fehler": "unbekannte Adresse"})

    def _allowed(self) -> bool:
        sent = self.headers.get("Authorization", "").encode()
        return hmac.compare_digest(sent, b"Bearer " + self.server.token.encode())

    def _answer(self, status: HTTPStatus, body: Mapping[str, Any]) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # type: ignore[explicit-override]  # noqa: A002 - named by the base class; typing.override needs Python 3.12
        """Say nothing: addresses hold case numbers."""


def _data(path: Path, centre: str, today: date) -> _Cases:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(cases(centre, today), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    loaded: _Cases = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _token(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m adapters.simulated.jobcenter",
        description="A job centre's web service; all people are invented.",
    )
    parser.add_argument("--centre", choices=CENTRES, default="hannover")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes any free port")
    parser.add_argument("--data", type=Path, required=True, metavar="FILE")
    parser.add_argument("--token-file", type=Path, required=True, metavar="FILE")
    parser.add_argument("--today", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    options = parser.parse_args(arguments)
    try:
        data = _data(options.data, options.centre, options.today)
        server = Server((options.host, options.port), data, _token(options.token_file))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sys.stderr.write(f"port {options.port} is in use; choose another with --port\n")
        else:
            sys.stderr.write(f"cannot start: {error}\n")
        return 2
    except ValueError:
        sys.stderr.write(f"{options.data} is not a data file of this program\n")
        return 2
    signal.signal(signal.SIGTERM, _stop)
    with server:
        host, port = server.server_address[:2]
        sys.stdout.write(
            f"job centre {options.centre}: http://{host!s}:{port}, {len(data)} cases\n"
        )
        sys.stdout.flush()
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
