# SPDX-License-Identifier: EUPL-1.2
"""``lotse policy release|activate|rollback|deny-all|status``: releases of the rules."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from policies.errors import PolicyError, ReleaseRefused
from policies.release.activate import Wanted, activate, find_ready, lying_kept, lying_ready
from policies.release.disk import replace_file
from policies.release.place import PlaceUnusable, open_desk, open_store
from policies.release.sentences import refusal_text
from policies.release.store import FILE_END, STATEMENT_END

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.release.activate import Lying
    from policies.release.make import Release
    from policies.release.place import Desk
    from policies.release.statement import Statement
    from policies.release.store import ReleaseStore
    from policies.strict import JsonValue

Config = Annotated[
    Path, typer.Option("--config", help="Settings of the gateway or connector.", dir_okay=False)
]
Keyring = Annotated[Path, typer.Option(help="The release desk's keyring.", dir_okay=False)]
Passphrase = Annotated[Path, typer.Option(help="File with the line that opens the keyring.")]
File = Annotated[Path, typer.Argument(help="NAME.tar.gz; NAME.jws lies beside it.")]
MaybeFile = Annotated[
    Path | None, typer.Argument(help="NAME.tar.gz; left out: the one in the folder `ready`.")
]


def add_release_commands(app: typer.Typer) -> None:
    """Let the commands about releases join ``lotse policy``."""
    app.command("init-release-key")(init_release_key)
    app.command("release")(release)
    app.command("activate")(activate_command)
    app.command("rollback")(rollback)
    app.command("deny-all")(deny_all)


def init_release_key(
    keyring: Keyring,
    passphrase_file: Passphrase,
    *,
    show: Annotated[bool, typer.Option(help="Print the keys that are there; make none.")] = False,
    pem: Annotated[
        Path | None, typer.Option(help="Also write the newest public key for an OPA server.")
    ] = None,
) -> None:
    """Make a release key; on the release desk's own machine, never where rules are evaluated."""
    desk = _desk(keyring, passphrase_file, new_key_at=None if show else int(time.time()))
    if pem is not None:
        replace_file(pem, desk.public_pem.encode("ascii"))
    print("# Pin this in the settings of the gateway and of every connector:")
    for kid, jwk in desk.public:
        members = {"kid": kid, **{name: jwk[name] for name in ("kty", "crv", "x", "y")}}
        print("[[policy.keys]]")
        print("\n".join(f'{name} = "{value}"' for name, value in members.items()))


def release(
    output: Annotated[Path, typer.Argument(help="NAME.tar.gz to write; NAME.jws comes beside.")],
    sequence: Annotated[int, typer.Option(min=1, help="Higher than any release before.")],
    keyring: Keyring,
    passphrase_file: Passphrase,
    *,
    valid_from: Annotated[str, typer.Option(help="First day, YYYY-MM-DD, UTC.")] = "",
    days: Annotated[int, typer.Option(min=1, max=3660, help="How long it is valid.")] = 365,
    content: Annotated[
        Path | None, typer.Option(help="Take the content of this earlier release instead.")
    ] = None,
    alone: Annotated[
        bool, typer.Option(help="No earlier release may count beside it, not even for a moment.")
    ] = False,
    deny_all: Annotated[
        bool, typer.Option("--deny-all", help="Make an emergency release that denies everything.")
    ] = False,
) -> None:
    """Sign the rules of this installation, or earlier ones again, as a release."""
    from policies.bundle import Bundle
    from policies.release import make
    from policies.release.archive import MAX_RELEASE_BYTES
    from policies.release.disk import read_bounded

    if not output.name.endswith(FILE_END):
        raise typer.BadParameter(f"the file's name ends with {FILE_END}")
    desk = _desk(keyring, passphrase_file)
    begin = _midnight(valid_from)
    terms = make.Terms(
        sequence=sequence,
        valid_from=begin,
        valid_until=begin + days * 86_400,
        oldest=sequence if alone or content is not None else None,
        emergency=deny_all,
    )
    try:
        bundle, golden = Bundle.load(), make.shipped_golden()
        if content is not None:
            bundle, golden = make.content_of(read_bounded(content, MAX_RELEASE_BYTES), desk)
        if deny_all:
            bundle, golden = make.deny_all(bundle), {}
        made = make.make_release(bundle, golden, terms, desk)
        make.prove(made, desk)
    except ReleaseRefused as error:
        _refused(error)
    _write(output, made)
    _tell(output.name, made.statement)


def activate_command(config: Config, file: File) -> None:
    """Verify a release, try it, and put it in force here."""
    _activate(config, file, "any")


def rollback(config: Config, file: MaybeFile = None) -> None:
    """Go back to content that was in force here before, signed again under a higher sequence."""
    _activate(config, file, "earlier")


def deny_all(config: Config, file: MaybeFile = None) -> None:
    """Put the pre-signed emergency release in force: from now on nothing passes."""
    _activate(config, file, "deny_all")


def release_status(config: Path, *, as_json: bool) -> None:
    """Show what is in force at a gateway or connector, what is kept, and what lies ready."""
    store = _store(config)
    try:
        state = store.state()
    except ReleaseRefused as error:
        _refused(error)
    active = state.active
    kept, ready = lying_kept(store, state), lying_ready(store)
    document: dict[str, JsonValue] = {
        "in_force": None if active is None else active.name,
        "floor": 0 if state.floor is None else state.floor.sequence,
        "denies_all": state.emergency is not None,
        "pinned_keys": list(store.verifier.kids),
        "kept": [_as_json(one) for one in kept],
        "ready": [_as_json(one) for one in ready],
    }
    if as_json:
        print(json.dumps(document))
        return
    print("denies everything (emergency)" if state.emergency else "rules by release")
    print(f"highest sequence so far {document['floor']}; keys {', '.join(store.verifier.kids)}")
    for title, lying in (("in force, then kept", kept), ("ready", ready)):
        print(f"{title}:" if lying else f"{title}: none")
        for one in lying:
            _tell(one.name, one.statement, one.code)
    if active is None:
        print(refusal_text("nothing_active"))


def _activate(config: Path, file: Path | None, wanted: Wanted) -> None:
    store = _store(config)
    try:
        chosen = file or find_ready(store, wanted)
        brought = activate(store, chosen, int(time.time()), wanted=wanted)
    except ReleaseRefused as error:
        _refused(error)
    except OSError as error:
        print(f"The folder of releases cannot be written ({error.strerror}).", file=sys.stderr)
        raise typer.Exit(1) from None
    _tell(chosen.name, brought.verified.statement)
    print("A running process takes it over within seconds and writes it into the log.")
    if wanted == "deny_all":
        print("To end it, activate a release; the one that was in force before is good for it.")


def _store(config: Path) -> ReleaseStore:
    try:
        return open_store(config)
    except PlaceUnusable as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def _desk(keyring: Path, passphrase_file: Path, *, new_key_at: int | None = None) -> Desk:
    try:
        return open_desk(keyring, passphrase_file, new_key_at=new_key_at)
    except PlaceUnusable as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def _refused(error: PolicyError) -> NoReturn:
    code = error.code if isinstance(error, ReleaseRefused) else "engine"
    print(f"Refused; nothing changed. {refusal_text(code)}", file=sys.stderr)
    raise typer.Exit(1)


def _write(output: Path, made: Release) -> None:
    replace_file(output, made.file)
    replace_file(output.with_name(output.name.removesuffix(FILE_END) + STATEMENT_END), made.token)


def _midnight(day: str) -> int:
    try:
        chosen = date.fromisoformat(day) if day else _day(int(time.time()))
    except ValueError:
        raise typer.BadParameter("a day looks like 2026-11-22") from None
    return int(datetime(chosen.year, chosen.month, chosen.day, tzinfo=UTC).timestamp())


def _day(moment: int) -> date:
    return datetime.fromtimestamp(moment, tz=UTC).date()


def _tell(name: str, statement: Statement | None, code: str = "") -> None:
    if statement is None:
        print(f"  {name}: {refusal_text(code)}")
        return
    until = _day(statement.valid_until)
    kind = "denies everything" if statement.emergency else f"sequence {statement.sequence}"
    print(
        f"  {name}: {kind}, {_day(statement.valid_from)} to {until}, catalogue "
        f"{statement.catalogue}, law as of {statement.law_version}\n"
        f"    bundle {statement.bundle}"
    )


def _as_json(one: Lying) -> JsonValue:
    statement = one.statement
    if statement is None:
        return {"name": one.name, "refused": one.code}
    members: Sequence[str] = ("sequence", "oldest", "valid_from", "valid_until", "bundle")
    known: dict[str, JsonValue] = {name: getattr(statement, name) for name in members}
    return {"name": one.name, "denies_all": statement.emergency, **known}
