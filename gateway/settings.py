# SPDX-License-Identifier: EUPL-1.2
"""The gateway's settings: one TOML file, read once, frozen.

Nothing here switches policy, log, encryption or authentication off (promise P9): there is no such
key, times have upper bounds from the law or the design, and stand-ins are named ``insecure_…``
and refused by the production profile. Environment variables are not read, so that the file says
everything. Paths are relative to the file.
"""

from __future__ import annotations

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gateway.authzen.mapping import AuthzenMapping
from keys.errors import KeysError
from keys.releases import ReleaseKeys

MAX_FILE_BYTES = 65_536
AgencyName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(\.[a-z0-9-]+)+\z", max_length=64)
]


class SettingsError(Exception):
    """The settings file cannot be used; the message names keys and rules, never values."""


class OpaSettings(BaseModel):
    """An OPA server that evaluates the rules."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    url: str
    """Its address: plain http on this machine only, https anywhere."""
    token_file: Path
    """One line, which the server knows the SHA-256 of."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's, for https."""

    @field_validator("token_file", "ca_file", mode="before")
    @classmethod
    def _beside_the_file(cls, value: object, info: ValidationInfo) -> object:
        return _path(value, info)

    @field_validator("url")
    @classmethod
    def _protected(cls, value: str) -> str:
        _check_url("url", value, plain_on_loopback=True)
        if urlsplit(value).path:
            raise ValueError("url must be a host and a port, without a path")
        return value


class ShadowSettings(BaseModel):
    """A candidate that is asked beside the rules in force, and only counted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    candidate_file: Path
    """A release file, with its signed statement beside it."""

    @field_validator("candidate_file", mode="before")
    @classmethod
    def _beside_the_file(cls, value: object, info: ValidationInfo) -> object:
        return _path(value, info)


class ReleaseKey(BaseModel):
    """A public key that signs releases of the rules."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    kid: str
    kty: str
    crv: str
    x: str
    y: str


class PolicySettings(BaseModel):
    """Where signed releases of the rules lie, and who may sign them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    directory: Path
    """Releases that were in force here; made by `lotse policy activate`."""
    opa_file: Path | None = None
    """Where an OPA server beside this process loads the release in force from."""
    keys: Annotated[tuple[ReleaseKey, ...], Field(strict=False)]
    """One or two public keys; `lotse policy init-release-key` prints them."""

    @field_validator("directory", "opa_file", mode="before")
    @classmethod
    def _beside_the_file(cls, value: object, info: ValidationInfo) -> object:
        return _path(value, info)

    @model_validator(mode="after")
    def _check_keys(self) -> PolicySettings:
        try:
            _ = self.release_keys
        except KeysError:
            raise ValueError(
                "keys must be one or two public P-256 keys with different names OWNER#release-N"
            ) from None
        return self

    @property
    def release_keys(self) -> ReleaseKeys:
        """The pinned keys, ready to verify."""
        return ReleaseKeys((key.kid, key.model_dump(exclude={"kid"})) for key in self.keys)


class Settings(BaseModel):
    """Everything an operator can choose."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, val_json_bytes="utf8"
    )

    profile: Literal["production", "demo"]
    """``production`` refuses every stand-in and every unprotected connection."""
    issuer: str
    """The gateway's name for itself: its public https address without a slash at the end."""
    host: str = "127.0.0.1"
    """Address to listen on; TLS ends in front of it."""
    port: int = Field(default=8400, ge=0, le=65535)
    """Port to listen on; 0 lets the system choose."""
    database_url: str = Field(repr=False)
    """``sqlite:///file`` or ``postgresql+psycopg://…``; may hold a password, so never shown."""
    keyring_file: Path
    """The gateway's encrypted keyring."""
    passphrase_file: Path
    """One line that opens the keyring."""
    registry_root_file: Path
    """Public key of the registry root as a JWK: the one thing that is trusted without proof."""
    agency_list_file: Path
    """The signed agency list; read again when it changes."""
    log_origin: str = Field(pattern=r"^[a-z0-9.-]+(/[a-z0-9.-]+)*\z", max_length=128)
    """Origin line of the log's checkpoints (C2SP tlog-checkpoint)."""
    node: str = Field(default="n1", pattern=r"^[a-z0-9-]{1,32}\z")
    """Names this replica in log entries."""
    connectors: dict[AgencyName, str] = Field(default_factory=dict)
    """Agency id to the base address of its listening connector."""
    holder_seconds: int = Field(default=10, ge=1, le=60)
    """How long a holding connector may take to answer."""
    rule_engine: Literal["embedded", "opa"] = "embedded"
    """Where the rules are evaluated: in this process, or in the OPA server of the table `opa`."""
    opa: OpaSettings | None = None
    authzen: AuthzenMapping = Field(default_factory=AuthzenMapping)
    """What the words of AuthZEN tools mean here."""
    keep_decisions_months: int = Field(default=6, ge=1, le=6)
    """How long decisions are kept for looking back, as codes by the day; 6 is the shortest period
    of the law's log classes."""
    shadow: ShadowSettings | None = None
    """A candidate whose answers nobody gets; see `lotse policy shadow`."""
    policy: PolicySettings | None = None
    """Signed releases of the rules; left out, the unsigned ones of the program decide (demo only)."""
    insecure_demo_person: bool = False
    """Lets anyone stand in for a person; for the demo only."""

    @field_validator(
        "keyring_file", "passphrase_file", "registry_root_file", "agency_list_file", mode="before"
    )
    @classmethod
    def _beside_the_file(cls, value: object, info: ValidationInfo) -> object:
        return _path(value, info)

    @model_validator(mode="after")
    def _hold_to_the_profile(self) -> Settings:
        if self.profile == "production" and self.insecure_demo_person:
            raise ValueError(
                "insecure_demo_person lets anyone act as a person and is refused by the "
                "production profile (promise P9); remove it"
            )
        if self.profile == "production" and self.policy is None:
            raise ValueError(
                "the production profile decides by signed releases of the rules only (promise P9); "
                "add the table [policy], see docs/operations.md"
            )
        _check_url("issuer", self.issuer, plain_on_loopback=self.profile == "demo")
        if urlsplit(self.issuer).path:
            # RFC 8414 would put the metadata somewhere else, and a slash makes another issuer.
            raise ValueError("issuer must be a host without path and without a slash at the end")
        for agency, url in self.connectors.items():
            _check_url(f"connectors.{agency}", url, plain_on_loopback=True)
        if not self.database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("database_url must begin with sqlite:/// or postgresql+psycopg://")
        _check_on_disk(self.database_url)
        if (self.rule_engine == "opa") is not (self.opa is not None):
            raise ValueError('rule_engine = "opa" and the table [opa] belong together')
        return self


def _path(value: object, info: ValidationInfo) -> Path:
    """Give the path; a relative one begins at the file's folder."""
    base = (info.context or {}).get("base")
    if not isinstance(value, str) or not value:
        raise ValueError("must be a path")
    return base / value if isinstance(base, Path) else Path(value)


def _check_on_disk(database_url: str) -> None:
    """Refuse an SQLite database that forgets: without a file there is no log (promise P2)."""
    file = database_url.removeprefix("sqlite:///")
    if file != database_url and (file in {"", ":memory:"} or "?" in file):
        raise ValueError("database_url must name a file, without options; a log needs a disk")


def _check_url(key: str, url: str, *, plain_on_loopback: bool) -> None:
    """Refuse an address that is unprotected, or that hides something besides host and path."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{key} is not an address") from None
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{key} must be an address without user, query or fragment")
    if parts.scheme == "https":
        return
    if parts.scheme == "http" and plain_on_loopback and _is_loopback(host):
        return
    raise ValueError(f"{key} must begin with https://")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load_settings(path: Path) -> Settings:
    """Read the settings at `path`.

    Raises:
        SettingsError: no such file, not TOML, an unknown key, a value out of its range, or a
            stand-in in the production profile. The message names the keys, never the values.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError:
        raise SettingsError("the settings file cannot be read") from None
    if len(raw) > MAX_FILE_BYTES:
        raise SettingsError("the settings file is too large")
    try:
        table = tomllib.loads(raw.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise SettingsError("the settings file is not valid TOML in UTF-8") from None
    return settings_from(table, base=path.resolve().parent)


def settings_from(table: dict[str, object], *, base: Path) -> Settings:
    """Make settings from a parsed `table`; relative paths begin at `base`.

    Raises:
        SettingsError: as for `load_settings`.
    """
    try:
        return Settings.model_validate(table, context={"base": base})
    except ValidationError as error:
        raise SettingsError("; ".join(_sentences(error))) from None


def _sentences(error: ValidationError) -> list[str]:
    sentences = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            sentences.append(f"unknown key: {key}")
        elif item["type"] == "missing":
            sentences.append(f"missing key: {key}")
        elif item["type"] == "value_error":
            text = item["msg"].removeprefix("Value error, ")
            sentences.append(f"{key}: {text}" if key else text)
        else:
            sentences.append(f"{key}: {item['msg']}")
    return sentences
