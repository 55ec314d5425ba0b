# SPDX-License-Identifier: EUPL-1.2
"""The connector's configuration: one TOML file, read once at the start.

Nothing in it can disable a check, the log, sealing or sign-in (promise P9); it only says where
things are. Relative paths are relative to the file. Unknown members are refused.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from adapters.connector.errors import SettingsRejected
from keys.errors import KeysError
from keys.releases import ReleaseKeys
from policies.explain import Language

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENCY_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""Identifiers of the envelope context (see docs/gfe1.md)."""

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""Where plain http is accepted: nothing leaves the machine."""

HeldDays = Annotated[int, Field(ge=1, le=28)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=120)]


class Role(StrEnum):
    """Who speaks to the local API."""

    SYSTEM = "system"
    """A Fachverfahren or another program of the agency."""
    CLERK = "clerk"
    """A person at the desk; releases or refuses what waits, which a system cannot."""
    HEAD = "head"
    """The head of the agency; decides what only the head may, and all that a clerk may."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AgencySettings(_Strict):
    """Whose connector this is."""

    id: Annotated[str, StringConstraints(pattern=AGENCY_PATTERN)]
    language: Language = "de"
    """Language of the sentences that explain a decision; ``plain`` is plain German."""


class ListenSettings(_Strict):
    """Where the local API and `POST /orders` are served."""

    host: str = "127.0.0.1"
    port: Port = 8100


class StorageSettings(_Strict):
    """Where the connector keeps its file store and receipts."""

    directory: Annotated[Path, Field(strict=False)]
    keep_answers_days: Annotated[int, Field(ge=1, le=30)] = 7
    """How long a sealed answer can be opened again through ``GET /enquiries/{id}``."""


class KeySettings(_Strict):
    """The encrypted keyring; the passphrase lies in a file of its own (0600)."""

    keyring: Annotated[Path, Field(strict=False)]
    passphrase_file: Annotated[Path, Field(strict=False)]


class GatewaySettings(_Strict):
    """The middle."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+$")]
    issuer: str
    """Audience of the client assertion and issuer of the tokens; must equal the agency list's."""
    connect_seconds: Seconds = 3.0
    answer_seconds: Seconds = 20.0
    ca_file: Annotated[Path | None, Field(strict=False)] = None

    @field_validator("url")
    @classmethod
    def _protected(cls, url: str) -> str:
        return _protected(url)


class RegistrySettings(_Strict):
    """The pinned root of the agency list: its public key as a JWK."""

    root_jwk: dict[str, str]


class HoldingSettings(_Strict):
    """How this agency answers orders."""

    answer_seconds: Seconds = 5.0
    """After this time the source counts as not answering."""
    decoy_number: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,64}$")] = "#" * 12
    """Form of this agency's file numbers with ``#`` for digits; used to look for nobody."""
    held_days: HeldDays = 28
    """How long a request may wait for a person (at most 28 days)."""


class OpaSettings(_Strict):
    """An OPA server that evaluates the rules."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+$")]
    """Its address: plain http on this machine only, https anywhere."""
    token_file: Annotated[Path, Field(strict=False)]
    """One line, which the server knows the SHA-256 of."""
    ca_file: Annotated[Path | None, Field(strict=False)] = None

    @field_validator("url")
    @classmethod
    def _protected(cls, url: str) -> str:
        return _protected(url)


class ReleaseKey(_Strict):
    """A public key that signs releases of the rules."""

    kid: str
    kty: str
    crv: str
    x: str
    y: str


class PolicySettings(_Strict):
    """Where signed releases of the rules lie, and who may sign them."""

    directory: Annotated[Path, Field(strict=False)]
    """Releases that were in force here; made by `lotse policy activate`."""
    opa_file: Annotated[Path | None, Field(strict=False)] = None
    """Where an OPA server beside this process loads the release in force from."""
    keys: Annotated[tuple[ReleaseKey, ...], Field(strict=False)]
    """One or two public keys, as the release desk prints them."""

    @model_validator(mode="after")
    def _check_keys(self) -> PolicySettings:
        try:
            _ = self.release_keys
        except KeysError:
            message = (
                "keys must be one or two public P-256 keys, named OWNER#release-N, all different"
            )
            raise ValueError(message) from None
        return self

    @property
    def release_keys(self) -> ReleaseKeys:
        """The pinned keys, ready to verify."""
        return ReleaseKeys((key.kid, key.model_dump(exclude={"kid"})) for key in self.keys)


class TokenSettings(_Strict):
    """One caller of the local API. Only the SHA-256 of its token is kept."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
    role: Annotated[Role, Field(strict=False)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Settings(_Strict):
    """The whole file."""

    agency: AgencySettings
    listen: ListenSettings = ListenSettings()
    storage: StorageSettings
    keys: KeySettings
    gateway: GatewaySettings
    registry: RegistrySettings
    holding: HoldingSettings = HoldingSettings()
    source: dict[str, object] | None = None
    """The agency's own system, see `adapters.sources.build`; absent at an agency that only asks."""
    rule_engine: Literal["embedded", "opa"] = "embedded"
    """Where the rules are evaluated: in this process, or in the OPA server of the table `opa`."""
    opa: OpaSettings | None = None
    policy: PolicySettings | None = None
    """Signed releases of the rules; may be left out only beside a demo's gateway on this machine."""
    tokens: Annotated[tuple[TokenSettings, ...], Field(strict=False)] = ()
    base: Annotated[Path, Field(strict=False)] = Path()
    """Folder of the file; relative paths of `source` begin here. Not a member of the file."""

    @model_validator(mode="after")
    def _engine_and_server(self) -> Settings:
        if (self.rule_engine == "opa") is not (self.opa is not None):
            message = 'rule_engine = "opa" and the table [opa] belong together'
            raise ValueError(message)
        return self


def _protected(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        message = "must begin with https://, or be an address of this machine"
        raise ValueError(message)
    return url


def load_settings(file: Path) -> Settings:
    """Read and check the file.

    Raises:
        SettingsRejected: unreadable, unknown or missing members, wrong types.
    """
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{file}: cannot be read ({error.strerror})"
        raise SettingsRejected(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{file}: is not a TOML file: {error}"
        raise SettingsRejected(message) from error
    return parse_settings(raw, beside=file.resolve().parent)


def parse_settings(raw: Mapping[str, object], *, beside: Path) -> Settings:
    """Check a parsed file; relative paths are taken relative to `beside`.

    Raises:
        SettingsRejected: unknown or missing members, wrong types.
    """
    if "base" in raw:
        raise SettingsRejected("[base] unknown member")
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        lines = [
            f"[{'.'.join(str(part) for part in item['loc'])}] {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsRejected("; ".join(lines)) from None
    storage = settings.storage.model_copy(update={"directory": beside / settings.storage.directory})
    keys = settings.keys.model_copy(
        update={
            "keyring": beside / settings.keys.keyring,
            "passphrase_file": beside / settings.keys.passphrase_file,
        }
    )
    gateway, opa = settings.gateway, settings.opa
    if gateway.ca_file is not None:
        gateway = gateway.model_copy(update={"ca_file": beside / gateway.ca_file})
    if opa is not None:
        ca_file = None if opa.ca_file is None else beside / opa.ca_file
        opa = opa.model_copy(update={"token_file": beside / opa.token_file, "ca_file": ca_file})
    policy = settings.policy
    if policy is not None:
        opa_file = None if policy.opa_file is None else beside / policy.opa_file
        policy = policy.model_copy(
            update={"directory": beside / policy.directory, "opa_file": opa_file}
        )
    changed = {"storage": storage, "keys": keys, "gateway": gateway, "opa": opa, "policy": policy}
    return settings.model_copy(update={**changed, "base": beside})
