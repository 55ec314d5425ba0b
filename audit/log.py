# SPDX-License-Identifier: EUPL-1.2
"""The only writer of the log: callers hand in work, a thread commits many at once, each caller gets its receipt.

Appending is not done until the future resolves: then the entry is durable, and the receipt proves it.
If the future fails, nothing of the work is in the database, and the caller releases nothing.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from sqlalchemy import Connection, Engine

from audit.append import Appender, Batch, CommitUnknown, Known, Placed, Work
from audit.backends import backend_for
from audit.checkpoint import Checkpoint, log_key, sign_checkpoint
from audit.detailkeys import DetailKeys, Wrapper
from audit.entry import PendingEntry
from audit.errors import LogClosed, LogInconsistent, LogUnavailable, OutcomeUnknown
from audit.note import NoteSigner
from audit.proof import Receipt
from audit.startup import check_log, found_log
from audit.waiting import Appended, Job, deliver, fail

MAX_BATCH = 512
"""Works in one transaction; keeps its duration, and the wait of the next one, short."""
NOTE_IDLE_SECONDS = 0.05
"""After this long without work the newest signed checkpoint is stored by itself."""
RECONNECT_PAUSES_SECONDS = (0.0, 0.2, 1.0, 3.0)
"""Waits before each attempt to ask what became of a COMMIT that did not answer."""


class LogWriter:
    """Appends to one log. Several processes may each have one for the same log."""

    def __init__(
        self,
        engine: Engine,
        signer: NoteSigner,
        origin: str,
        wrapper: Wrapper,
        clock: Callable[[], int],
        *,
        last_seen: str | None = None,
    ) -> None:
        """Open the log `origin`, check it, and start the writer thread.

        `signer` holds the Ed25519 log key, `wrapper` encloses detail keys, `clock` returns epoch seconds.
        `last_seen` is a signed checkpoint remembered outside the database; an older database is refused.

        Raises:
            LogInconsistent: rows are missing, changed, or older than what was signed.
        """
        self._engine = engine
        self._signer = signer
        self._origin = origin
        self._backend = backend_for(engine.dialect.name)
        self._keys = DetailKeys(wrapper, clock)
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._appender: Appender | None = None
        self._connection: Connection | None = None
        self._log_id, self._newest = self._open(last_seen)
        self._unstored: tuple[int, str] | None = self._newest
        self._thread = threading.Thread(target=self._run, name=f"log {origin}", daemon=True)
        self._thread.start()

    @property
    def vkey(self) -> str:
        """Return the key that verifies this log, as a signed-note verifier key."""
        return log_key(self._origin, self._signer).to_text()

    @property
    def checkpoint(self) -> str:
        """Return the newest checkpoint that this writer has signed."""
        return self._newest[1]

    def submit(self, work: Work) -> Future[Appended]:
        """Hand in one work; the future resolves when its entries are durable.

        The work runs in the writer's thread, inside the transaction, after the head of the log is locked.
        The future fails with what the work raised, or with LogUnavailable; then nothing of it was written.

        Raises:
            LogClosed: the writer was closed.
        """
        future: Future[Appended] = Future()
        self._enqueue(Job(work, future=future))
        return future

    async def append(self, work: Work) -> Appended:
        """Await what `submit` does.

        Raises:
            LogClosed: the writer was closed.
            LogUnavailable: nothing was written.
            Exception: whatever the work raised.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Appended] = loop.create_future()
        self._enqueue(Job(work, loop=loop, waiter=waiter))
        return await waiter

    def close(self) -> None:
        """Finish everything that was handed in, store the newest checkpoint, and stop. Safe to call again."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _enqueue(self, job: Job) -> None:
        with self._gate:
            if self._closed:
                message = "the log was closed"
                raise LogClosed(message)
            self._queue.put(job)

    def _open(self, last_seen: str | None) -> tuple[int, tuple[int, str]]:
        """Check the log under its head lock, and sign what it holds."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            self._backend.prepare(connection)
            log_id = found_log(connection, self._origin, self._signer)
            self._backend.begin(connection, log_id)
            try:
                current = check_log(connection, self._origin, self._signer, last_seen)
            finally:
                self._backend.execute(connection, "COMMIT")
                connection.commit()
        return log_id, (current.size, sign_checkpoint(current, self._signer))

    def _run(self) -> None:
        """Take what waits, commit it together, until closed."""
        open_ = True
        while open_:
            jobs, open_ = self._take()
            if jobs:
                self._process(jobs)
                deliver(jobs)
        self._store_note()
        self._disconnect()

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for work and return all of it, at most 512; false when the writer was closed."""
        try:
            job = self._queue.get(timeout=None if self._unstored is None else NOTE_IDLE_SECONDS)
        except queue.Empty:
            self._store_note()
            return [], True
        jobs: list[Job] = []
        while True:
            if job is None:
                return jobs, False
            if job.wanted():
                jobs.append(job)
            if len(jobs) >= MAX_BATCH:
                return jobs, True
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return jobs, True

    def _process(self, jobs: Sequence[Job]) -> None:
        """Give every job its result; never raises."""
        try:
            batch = self._transact(jobs)
            self._settle(jobs, batch)
        except LogUnavailable as error:
            fail(jobs, error)
        except Exception as error:  # noqa: BLE001 - the callers wait: whatever it was, nothing may be released
            unavailable = LogUnavailable("the log could not be written")
            unavailable.__cause__ = error
            fail(jobs, unavailable)

    def _transact(self, jobs: Sequence[Job]) -> Batch:
        """Try until the outcome of the batch is known: fast, then carefully, and again on a new connection."""
        works = [job.work for job in jobs]
        careful = False
        broken = False
        while True:
            try:
                appender = self._connected()
                return appender.transact(works, self._newest, careful=careful)
            except CommitUnknown as unknown:
                self._abandon()
                if self._committed_after_all(unknown.batch):
                    return unknown.batch
                if broken:
                    raise
                broken = True
            except (LogUnavailable, LogInconsistent):
                self._abandon()
                raise
            except Exception:
                if self._abandon():
                    if careful:
                        raise
                    careful = True
                elif broken:
                    raise
                else:
                    broken = True

    def _committed_after_all(self, batch: Batch) -> bool:
        """Look the batch up by entry id after COMMIT did not answer.

        Raises:
            OutcomeUnknown: the database does not answer either, or nothing in the batch can be looked up.
        """
        message = "the connection broke while committing, and the log could not be asked"
        if not batch.pending:
            raise OutcomeUnknown(message)
        for pause in RECONNECT_PAUSES_SECONDS:
            time.sleep(pause)
            try:
                return self._connected().was_committed(batch)
            except Exception:  # noqa: BLE001 - the database may need a moment; the last attempt reports
                self._abandon()
        raise OutcomeUnknown(message)

    def _settle(self, jobs: Sequence[Job], batch: Batch) -> None:
        """Sign the new tree, now that it is durable, and hand out receipts."""
        if batch.range.size > self._newest[0]:
            checkpoint = Checkpoint(self._origin, batch.range.size, batch.range.root)
            note = sign_checkpoint(checkpoint, self._signer)
            self._newest = self._unstored = (checkpoint.size, note)
        for job, result in zip(jobs, batch.results, strict=True):
            match result:
                case Placed(pending, first):
                    job.result = Appended(self._receipts(batch, first, len(pending)), pending)
                case Known(pending):
                    job.result = self._known(pending)
                case _:
                    job.result = result

    def _receipts(self, batch: Batch, first: int, count: int) -> tuple[Receipt, ...]:
        """Return the receipts of entries that this batch appended."""
        grown, note = batch.extension, self._newest[1]
        if grown is None:
            return ()
        return tuple(
            Receipt(batch.leaves[number], batch.start + number, grown.paths[number], note)
            for number in range(first, first + count)
        )

    def _known(self, pending: tuple[PendingEntry, ...]) -> Appended | Exception:
        """Prove entries of a repeated call in the newest tree."""
        try:
            return Appended(self._connected().receipts(pending, *self._newest), pending)
        except Exception as error:  # noqa: BLE001 - only this caller is concerned, and may repeat the call
            self._abandon()
            unavailable = LogUnavailable(
                "the entry is in the log, but its receipt could not be made"
            )
            unavailable.__cause__ = error
            return unavailable

    def _store_note(self) -> None:
        """Keep the newest signed checkpoint in the database, for readers without the key."""
        if self._unstored is None:
            return
        note, self._unstored = self._unstored, None
        try:
            self._connected()
            if self._connection is not None:
                self._backend.store_note(self._connection, self._log_id, *note)
        except Exception:  # noqa: BLE001 - a convenience: the next batch carries a newer one
            self._abandon()

    def _connected(self) -> Appender:
        """Return the appender of a working connection; open one where there is none."""
        if self._appender is None:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection = connection
            self._backend.prepare(connection)
            self._appender = Appender(self._backend, connection, self._log_id, self._keys)
        return self._appender

    def _abandon(self) -> bool:
        """Roll back; drop the connection and return false when it is broken."""
        if self._appender is not None and self._appender.abandon():
            return True
        self._disconnect()
        return False

    def _disconnect(self) -> None:
        connection, self._connection, self._appender = self._connection, None, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except Exception:  # noqa: BLE001, S110 - it is gone either way
                pass
