# SPDX-License-Identifier: EUPL-1.2
"""A gateway process reduced to its log: appends as fast as it can and prints what was acknowledged.

Arguments: database URL, number of entries (0: until killed). One line per entry: its id and index.
"""

from __future__ import annotations

import sys
import threading

from sqlalchemy import create_engine

from audit.log import LogWriter
from tests.unit.audit.samples import (
    ORIGIN,
    InsecureLogSigner,
    InsecureWrapper,
    clock,
    pending,
    work,
)

CALLERS = 8


def main(url: str, count: int) -> None:
    """Append from several threads at once."""
    engine = create_engine(url)
    log = LogWriter(engine, InsecureLogSigner(), ORIGIN, InsecureWrapper(), clock)
    printing = threading.Lock()

    def call() -> None:
        done = 0
        while not count or done < count // CALLERS:
            receipt = log.submit(work(pending())).result().entries[0]
            with printing:
                sys.stdout.write(f"{receipt.entry_id} {receipt.index}\n")
                sys.stdout.flush()
            done += 1

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    log.close()
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
