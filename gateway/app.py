# SPDX-License-Identifier: EUPL-1.2
"""Puts one gateway process together: settings in, application out.

`Stock` names every part that another implementation may stand in for. Product code passes none;
tests and the demo's sabotage do, with stand-ins named ``Insecure…``.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import FastAPI

from audit.log import LogWriter
from audit.reader import LogReader
from audit.vocabulary import EntryKind
from gateway.afterwards import AfterAnswerMiddleware
from gateway.agencies import AgencyBook, read_root
from gateway.api import authzen, exchanges, info, links, mailbox, permissions, persons
from gateway.api.state import Parts
from gateway.authn import router as authn_router
from gateway.authn.scopes import check_routes
from gateway.authn.service import Authn
from gateway.authn.store import UsedAssertions
from gateway.authzen.evaluating import Evaluations
from gateway.delivery import Deliveries
from gateway.engine import open_rules
from gateway.entries import Entries
from gateway.exchange import Core, Exchanges
from gateway.kept import open_kept
from gateway.lastlook import LastLook
from gateway.lines import open_session
from gateway.links import Links
from gateway.logs import get_logger, where
from gateway.mailbox import Mailboxes
from gateway.middleware import install_middleware
from gateway.orders import ListeningConnectors
from gateway.people import People
from gateway.problems import install_problem_handlers
from gateway.record import ExchangeLog
from gateway.recovery import Recovery
from gateway.releases import ReleaseWatch
from gateway.steps import Unobserved
from gateway.store.database import Database, migrate, open_engine
from gateway.templates import load_templates
from keys.model import AgencyId, new_exchange_id
from keys.providers.base import KeyUse
from keys.providers.file import FileKeyring

if TYPE_CHECKING:
    from audit.entry import PendingEntry
    from gateway.kept import KeptDecisions
    from gateway.orders import OrderTransport
    from gateway.rules import GatewayRules
    from gateway.settings import Settings
    from gateway.steps import StepObserver
    from keys.providers.base import KeyProvider
    from policies.decide import Decider
    from policies.engine.base import RuleEngine

RECORD_SECONDS = 5
"""How long a new agency list may take to be on record before the old one is kept."""
VERSION = "0.1.0"


def _now() -> int:
    return int(time.time())


@dataclass(frozen=True, slots=True)
class Stock:
    """Parts that may be handed in; None takes the product's own."""

    clock: Callable[[], int] = _now
    engine: RuleEngine | None = None
    observer: StepObserver | None = None
    transport: OrderTransport | None = None
    keyring: KeyProvider | None = None
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    shadow: Callable[[], Decider] | None = None
    """Opens what stands in for the candidate in the shadow."""
    change_core: Callable[[Core], Core] = lambda core: core
    """Only the demo's sabotage uses it: gives a core with one part replaced."""


def open_keyring(settings: Settings) -> FileKeyring:
    """Open the gateway's keyring with the passphrase from its file."""
    passphrase = settings.passphrase_file.read_text(encoding="utf-8").strip()
    return FileKeyring.open(settings.keyring_file, passphrase)


def create_app(settings: Settings, stock: Stock | None = None) -> FastAPI:
    """Make the application. Nothing is opened before it starts.

    Raises:
        RouteUndeclared: a route is missing from the inventory of scopes.
    """
    stock = stock or Stock()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                await _start(app, settings, stock, stack)
            except Exception as error:
                # The server's own words about it are not written: nobody knows what is in them.
                get_logger().critical("start.failed", error_type=type(error), where=where(error))
                raise
            yield

    app = FastAPI(
        title="Lotse gateway",
        version=VERSION,
        summary="Sits between agencies; decides, records, relays sealed fields.",
        description="Test system: all people are invented. Nothing here is legal advice.",
        license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        servers=[{"url": settings.issuer}],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    # Routes are tried in this order: the one that is called most comes first.
    for module in (exchanges, mailbox, links, permissions, info, authzen, authn_router):
        app.include_router(module.router)
    if settings.insecure_demo_person:
        app.include_router(persons.router)
    install_problem_handlers(app)
    install_middleware(app)
    if settings.shadow is not None:
        app.add_middleware(AfterAnswerMiddleware)  # outermost: the answer has left when it goes on
    check_routes(app, allow_insecure=settings.insecure_demo_person)
    return app


async def _start(
    app: FastAPI, settings: Settings, stock: Stock, stack: contextlib.AsyncExitStack
) -> None:
    keyring: KeyProvider = (
        stock.keyring
        if stock.keyring is not None
        else await asyncio.to_thread(open_keyring, settings)
    )
    database_engine = open_engine(settings.database_url)
    await asyncio.to_thread(migrate, database_engine)
    database = Database(database_engine)
    stack.callback(database.close)
    wrapper = keyring.wrap_key()
    writer = await asyncio.to_thread(
        lambda: LogWriter(
            database_engine, keyring.log_signer(), settings.log_origin, wrapper, stock.clock
        )
    )
    stack.callback(writer.close)
    transport = stock.transport
    if transport is None:
        session = open_session()
        stack.push_async_callback(session.close)
        transport = ListeningConnectors(
            {AgencyId(name): url for name, url in settings.connectors.items()},
            session,
            timeout_seconds=settings.holder_seconds,
        )
    root = read_root(settings.registry_root_file)
    agencies = AgencyBook(settings.agency_list_file, root, stock.clock)
    rules, book = await open_rules(settings, stock.engine, stock.clock, stack)
    kept = open_kept(settings, database_engine, stock.clock, rules, stock.shadow)
    stack.callback(kept.close)
    core = stock.change_core(
        _core(
            settings,
            stock,
            keyring,
            database=database,
            writer=writer,
            agencies=agencies,
            transport=transport,
            rules=rules,
            kept=kept,
        )
    )
    mailboxes = Mailboxes(core.log, wrapper, stock.clock)
    reader = LogReader(
        database_engine,
        settings.log_origin,
        signer=keyring.log_signer(),
        wrapper=wrapper,
    )
    app.state.authn = Authn(
        issuer=settings.issuer,
        agencies=agencies.current,
        used=UsedAssertions(database_engine),
        signer=keyring.signer(KeyUse.TOKEN),
        token_jwks={kid: keyring.public_jwk(kid) for kid in keyring.kids(KeyUse.TOKEN)},
        clock=stock.clock,
        accept_insecure_persons=settings.insecure_demo_person,
    )
    app.state.evaluations = Evaluations(core, settings.authzen, settings.issuer)
    people = People(
        core,
        mailboxes,
        load_templates(),
        lambda account, secret: (
            app.state.authn.tokens.for_person(account, secret, insecure=True).text
        ),
        lambda: str(uuid.uuid4()),
    )
    app.state.parts = Parts(
        core, Exchanges(core), Deliveries(core, mailboxes, reader), people, reader
    )
    await _publish(core, agencies)
    if book is not None:
        watch = ReleaseWatch(book, core.log)
        await watch.step()
        stack.push_async_callback(_stop, asyncio.create_task(watch.follow()))
    kept.start()
    sweeper = asyncio.create_task(Recovery(core, mailboxes, reader).sweep_for_ever())
    stack.push_async_callback(_stop, sweeper)


def _core(
    settings: Settings,
    stock: Stock,
    keyring: KeyProvider,
    *,
    database: Database,
    writer: LogWriter,
    agencies: AgencyBook,
    transport: OrderTransport,
    rules: GatewayRules,
    kept: KeptDecisions,
) -> Core:
    link_key = keyring.hmac_key(KeyUse.LINK)
    wrapper = keyring.wrap_key()
    clock = stock.clock

    def new_handle() -> str:
        return secrets.token_hex(16)

    entries = Entries(settings.node, link_key, lambda: clock() * 1_000_000)
    log = ExchangeLog(
        writer, entries, rules, wrapper=wrapper, clock=clock, new_handle=new_handle, kept=kept
    )
    return Core(
        agencies=agencies,
        rules=rules,
        database=database,
        log=log,
        links=Links(link_key, wrapper, secrets.token_bytes),
        transport=transport,
        signer=keyring.signer(KeyUse.ORDER),
        observer=stock.observer or Unobserved(),
        last_look=LastLook(database, log, clock, stock.monotonic, stock.pause),
        clock=clock,
        new_exchange_id=lambda: new_exchange_id(clock() * 1000, secrets.token_bytes(10)),
        new_handle=new_handle,
        randomness=secrets.token_bytes,
    )


async def _publish(core: Core, agencies: AgencyBook) -> None:
    """Put rule bundle and agency list on record; every later list too, before it is used."""

    def published(document: bytes) -> PendingEntry:
        return core.log.entries.document(EntryKind.AGENCIES_PUBLISHED, document)

    def record(document: bytes) -> None:
        # Waits in the event loop: once a week, and nothing may be decided under either list.
        core.log.log.submit(lambda _connection: published(document)).result(RECORD_SECONDS)

    agencies.on_new = record
    entries = [published(agencies.document)]
    shipped = core.rules.now().in_force
    if shipped is not None:
        # Releases come later, each with an entry of its own.
        entries.append(core.log.entries.policy(shipped.digest))
    await core.log.log.append(lambda _connection: entries)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
