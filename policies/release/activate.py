# SPDX-License-Identifier: EUPL-1.2
"""What the commands do with a folder of releases: put in force, go back, deny everything.

None of it needs a private key. Going back is a release like any other: the old content under a
higher sequence, signed by the release desk, best before it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from policies.errors import PolicyUnavailable, ReleaseRefused
from policies.release.book import EngineMaker, embedded
from policies.release.selftest import self_tested
from policies.release.store import FILE_END, Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from policies.release.state import Kept, State
    from policies.release.statement import Statement
    from policies.release.store import Brought, ReleaseStore
    from policies.release.verify import VerifiedBundle

Wanted = Literal["any", "earlier", "deny_all"]
"""What the operator means to do; a file that does something else is refused."""


@dataclass(frozen=True, slots=True)
class Lying:
    """A release in the folder, or what is wrong with it."""

    name: str
    statement: Statement | None
    code: str
    """Empty when it verifies."""


def activate(
    store: ReleaseStore,
    file: Path,
    now: int,
    *,
    wanted: Wanted = "any",
    engine: EngineMaker = embedded,
) -> Brought:
    """Verify, try and put in force; a refusal is kept until a running process has recorded it.

    Raises:
        ReleaseRefused: with the reason; what was in force stays so.
        OSError: the folder cannot be written.
    """
    release: str | None = None
    try:
        brought = store.read(file)
        release = brought.verified.token_digest
        _check_wanted(store, brought, wanted)
        _check_dates(brought.verified.statement, now)
        store.successor(brought)
        _try(brought.verified, engine)
        store.put_in_force(brought)
    except ReleaseRefused as error:
        store.refuse(Refusal(error.code, release, now))
        raise
    return brought


def find_ready(store: ReleaseStore, wanted: Wanted) -> Path:
    """Return the one release in the folder ``ready`` that does what is wanted.

    Raises:
        ReleaseRefused: ``nothing_ready`` or ``several_ready``.
    """
    fitting = []
    for file in sorted(store.ready.glob(f"*{FILE_END}")):
        try:
            brought = store.read(file)
            _check_wanted(store, brought, wanted)
            store.successor(brought)
        except ReleaseRefused:
            continue
        fitting.append(file)
    if len(fitting) != 1:
        raise ReleaseRefused("several_ready" if fitting else "nothing_ready")
    return fitting[0]


def lying_ready(store: ReleaseStore) -> list[Lying]:
    """Tell about every release in ``ready``."""
    found = []
    for file in sorted(store.ready.glob(f"*{FILE_END}")):
        try:
            found.append(Lying(file.name, store.read(file).verified.statement, ""))
        except ReleaseRefused as error:
            found.append(Lying(file.name, None, error.code))
    return found


def lying_kept(store: ReleaseStore, state: State) -> list[Lying]:
    """Tell about every release that is kept, the one in force first."""
    emergency = () if state.emergency is None else (state.emergency,)
    return [_look(store, kept) for kept in (*emergency, *state.kept)]


def _look(store: ReleaseStore, kept: Kept) -> Lying:
    try:
        return Lying(kept.name, store.load(kept).statement, "")
    except ReleaseRefused as error:
        return Lying(kept.name, None, error.code)


def _check_wanted(store: ReleaseStore, brought: Brought, wanted: Wanted) -> None:
    if wanted == "deny_all" and not brought.verified.statement.emergency:
        raise ReleaseRefused("not_deny_all")
    if wanted != "earlier":
        return
    earlier = {
        one.statement.bundle
        for one in lying_kept(store, store.state())[1:]
        if one.statement is not None
    }
    if brought.verified.statement.emergency or brought.verified.bundle.digest not in earlier:
        raise ReleaseRefused("not_earlier")


def _check_dates(statement: Statement, now: int) -> None:
    if statement.in_force(now):
        return
    raise ReleaseRefused("not_yet_valid" if now < statement.valid_from else "expired")


def _try(verified: VerifiedBundle, engine: EngineMaker) -> None:
    try:
        loaded = engine(verified)
        try:
            self_tested(verified, loaded.engine)
        finally:
            loaded.close()
    except PolicyUnavailable:
        raise ReleaseRefused("engine") from None
