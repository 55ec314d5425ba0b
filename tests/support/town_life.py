# SPDX-License-Identifier: EUPL-1.2
"""One run of the town: its programs in a thread beside the test, its lines, its clock."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from adapters.connector.app import Parts, create_connector
from adapters.connector.settings import Settings as ConnectorSettings
from adapters.connector.settings import load_settings as connector_settings
from adapters.simulated import jobcenter
from audit.reader import LogReader
from deploy.demo.cast import ABH, JC, MBE, MELDE
from deploy.demo.office import Office
from deploy.demo.ports import HOST
from deploy.demo.provision import LOG_ORIGIN
from deploy.demo.recorder import Route
from gateway.app import Stock, create_app
from gateway.settings import Settings as GatewaySettings
from gateway.settings import load_settings as gateway_settings
from gateway.store.database import open_engine
from keys.detail import open_detail
from keys.errors import OpenFailed
from keys.model import AgencyId
from keys.providers.base import KeyUse
from tests.support.clock import Clock
from tests.support.connectors import shared_decider
from tests.support.middle import shared_engine
from tests.support.tap import Tap

if TYPE_CHECKING:
    from tests.support.town import Town

T = TypeVar("T")
App = Callable[..., Any]
RUNNING = (ABH, JC, MBE, MELDE)
STARTS_WITHIN_SECONDS = 20.0


@dataclass
class Changes:
    """What one run of the town does otherwise; tests plant faults and leaks with it."""

    clock: Callable[[], int] | None = None
    """None: a `Clock` that stands at the moment of the layout."""

    stock: dict[str, Any] = field(default_factory=dict)
    """Members of the gateway's `Stock`."""
    gateway: Callable[[FastAPI], App] | None = lambda app: app
    """Puts something around the gateway's application; None: the test runs the gateway itself."""
    gateway_settings: dict[str, Any] = field(default_factory=dict)
    connectors: dict[AgencyId, Callable[[FastAPI], App]] = field(default_factory=dict)
    """Puts something around a connector's application."""
    parts: dict[AgencyId, dict[str, Any]] = field(default_factory=dict)
    """Members of a connector's `Parts`."""
    settings: Callable[[ConnectorSettings], ConnectorSettings] = lambda settings: settings
    """Changes the settings of every connector."""


@dataclass
class _Program:
    """One server in the town's loop."""

    server: uvicorn.Server
    task: asyncio.Task[None]


async def _survive(server: uvicorn.Server) -> None:
    """Serve; what would end a process must not end the thread that all programs share."""
    try:
        await server.serve()
    except SystemExit as error:
        raise RuntimeError("uvicorn gave up; is a port taken?") from error


class Life:
    """One run of the town."""

    def __init__(self, town: Town, changes: Changes) -> None:
        self.town = town
        self.place, self.ports = town.place, town.ports
        self.changes = changes
        self.clock = Clock(town.now)
        self._now = changes.clock or self.clock
        self.apps: dict[str, FastAPI] = {}
        routes = [
            Route(role, port, self.ports.chosen[role.partition(">")[2]])
            for role, port in self.ports.chosen.items()
            if ">" in role
        ]
        self.tap = Tap(routes)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._programs: dict[str, _Program] = {}
        self._offices: dict[AgencyId, Office] = {}
        self._job_centre: jobcenter.Server | None = None
        self._job_centre_thread: threading.Thread | None = None
        self.cases = dict(town.cases)
        """The job centre's cases; a test may take one out."""

    # --- what tests use -----------------------------------------------------------------------

    def office(self, agency: AgencyId) -> Office:
        """An agency's own system and its clerk, at the connector's local API."""
        if agency not in self._offices:
            own = self.place.connector(agency)
            self._offices[agency] = Office(agency, self.ports.url(agency), own)
        return self._offices[agency]

    def stop(self, name: str) -> None:
        """Stop the gateway or one connector; open calls are broken off."""
        program = self._programs.pop(name)
        program.server.config.timeout_graceful_shutdown = 0
        self._do(self._stop([program]))

    def start(self, *names: str) -> None:
        """Start the gateway or connectors (again)."""
        apps = [
            self._gateway() if name == "gateway" else self._connector(AgencyId(name))
            for name in names
        ]
        started = self._do(self._start(dict(zip(names, apps, strict=True))))
        self._programs.update(zip(names, started, strict=True))

    def stop_job_centre(self) -> None:
        """Stop the job centre's own system."""
        if self._job_centre is not None and self._job_centre_thread is not None:
            self._job_centre.shutdown()
            self._job_centre.server_close()
            self._job_centre_thread.join()
            self._job_centre = None

    def start_job_centre(self) -> None:
        """Start the job centre's own system (again)."""
        port = self.ports.chosen[f"{JC} system"]
        server = jobcenter.Server((HOST, port), self.cases, "job-centre-token")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self._job_centre, self._job_centre_thread = server, thread

    @contextlib.contextmanager
    def engine(self) -> Iterator[Engine]:
        """The gateway's database, as its operator can open it."""
        settings = gateway_settings(self.place.gateway / "gateway.toml")
        engine = open_engine(settings.database_url)
        try:
            yield engine
        finally:
            engine.dispose()

    def reader(self, engine: Engine) -> LogReader:
        """The log, as its operator can read it: without any agency's key."""
        return LogReader(engine, LOG_ORIGIN, wrapper=self.town.gateway_ring.wrap_key())

    def entries(self, exchange: str) -> list[dict[str, Any]]:
        """The log's leaves about one exchange, oldest first."""
        with self.engine() as engine:
            return [json.loads(one.leaf) for one in self.reader(engine).find(corr=exchange)]

    def detail(self, agency: AgencyId, exchange: str, *, corr: str | None = None) -> dict[str, Any]:
        """The newest detail that an agency sealed about an exchange, opened with its audit key.

        `corr` is what the detail is bound to; the exchange unless said otherwise.

        Raises:
            LookupError: there is none.
        """
        opener = self.town.rings[agency].opener(KeyUse.AUDIT)
        with self.engine() as engine:
            reader = self.reader(engine)
            for entry in reversed(reader.find(corr=exchange)):
                for one in json.loads(entry.leaf)["details"]:
                    if one["c"] == agency:
                        sealed = reader.detail(entry.index, agency).ciphertext
                        with contextlib.suppress(OpenFailed):
                            return open_detail(
                                sealed, controller=agency, corr=corr or exchange, opener=opener
                            )
        raise LookupError("no detail of this agency")

    # --- from the first to the last moment ----------------------------------------------------

    def begin(self) -> None:
        """Start everything, the gateway first."""
        self._thread.start()
        self._do(self.tap.start())
        self.start_job_centre()
        if self.changes.gateway is not None:
            self.start("gateway")
        self.start(*RUNNING)
        self.tap.messages.clear()

    def end(self) -> None:
        """Stop everything and give everything back."""
        for office in self._offices.values():
            office.close()
        self._do(self._stop(list(self._programs.values())))
        self._do(self.tap.stop())
        self.stop_job_centre()
        self._do(self._drain())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self, apps: dict[str, App]) -> list[_Program]:
        return list(await asyncio.gather(*(self._serve(*item) for item in apps.items())))

    async def _serve(self, name: str, app: App) -> _Program:
        config = uvicorn.Config(
            app,
            host=HOST,
            port=self.ports.chosen[name],
            http="httptools",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        task = asyncio.ensure_future(_survive(server))
        async with asyncio.timeout(STARTS_WITHIN_SECONDS):
            while not server.started:
                if task.done():
                    raise RuntimeError(f"{name} did not start") from task.exception()
                await asyncio.sleep(0.01)
        return _Program(server, task)

    @staticmethod
    async def _stop(programs: list[_Program]) -> None:
        for program in programs:
            program.server.should_exit = True
        await asyncio.gather(*(program.task for program in programs))

    async def _drain(self) -> None:
        rest = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self._loop.shutdown_default_executor()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def _gateway(self) -> App:
        settings: GatewaySettings = gateway_settings(self.place.gateway / "gateway.toml")
        settings = settings.model_copy(update=self.changes.gateway_settings)
        stock = Stock(clock=self._now, engine=shared_engine(), keyring=self.town.gateway_ring)
        app = create_app(settings, replace(stock, **self.changes.stock))
        self.apps["gateway"] = app
        around = self.changes.gateway
        return app if around is None else around(app)

    def _connector(self, agency: AgencyId) -> App:
        settings = connector_settings(self.place.connector(agency) / "connector.toml")
        parts = Parts(decider=shared_decider(), clock=self._now, keys=self.town.rings[agency])
        app = create_connector(
            self.changes.settings(settings),
            parts=replace(parts, **self.changes.parts.get(agency, {})),
        )
        self.apps[agency] = app
        around = self.changes.connectors.get(agency)
        return app if around is None else around(app)
