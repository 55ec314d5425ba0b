# SPDX-License-Identifier: EUPL-1.2
"""The migration counselling of the demo: no system, a folder with JSON and CSV records.

Start: ``python -m adapters.simulated.mbe --folder beratung --today 2026-11-22``
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from adapters.simulated.model import MbePerson, german
from adapters.simulated.people import PEOPLE


def write(folder: Path, today: date) -> int:
    """Write the records of all clients and say how many there are.

    Raises:
        FileExistsError: the folder has records already.
        OSError: something cannot be written.
    """
    clients = [person.mbe for person in PEOPLE if person.mbe is not None]
    records = folder / "akten"
    records.mkdir(parents=True)
    for client in clients:
        text = json.dumps(_record(client), ensure_ascii=False, indent=2)
        (records / f"{client.number}.json").write_text(text + "\n", encoding="utf-8")
    _table(
        folder / "sprachstand.csv",
        ("nummer", "niveau"),
        [(one.number, one.language) for one in clients if one.language is not None],
    )
    _table(
        folder / "beschaeftigung.csv",
        ("nummer", "seit", "wochenstunden", "arbeitgeber"),
        [
            (one.number, german(today, one.employment[0]), *one.employment[1:])
            for one in clients
            if one.employment is not None
        ],
    )
    return len(clients)


def _record(client: MbePerson) -> dict[str, object]:
    return {
        "nummer": client.number,
        "person": {"name": client.family, "vorname": client.given, "geboren": client.born},
        "beratung": {"in_beratung": client.counselled, "vermerk": client.notes},
    }


def _table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(header)
        writer.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the folder; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m adapters.simulated.mbe",
        description="Writes the folder of a counselling service; all people are invented.",
    )
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="folder to fill")
    parser.add_argument("--today", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    parser.add_argument("--fresh", action="store_true", help="replace the records if there are any")
    options = parser.parse_args(arguments)
    try:
        if options.fresh:
            shutil.rmtree(options.folder / "akten", ignore_errors=True)
        count = write(options.folder, options.today)
    except FileExistsError:
        sys.stderr.write(f"{options.folder} has records; use --fresh to replace them\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{options.folder} cannot be written: {error}\n")
        return 2
    sys.stdout.write(f"{options.folder}: {count} clients\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
