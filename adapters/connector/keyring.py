# SPDX-License-Identifier: EUPL-1.2
"""The agency's keyring: made once, opened at every start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.connector.errors import SettingsRejected
from keys.errors import KeyringError, PassphraseWrong
from keys.providers.base import KeyUse
from keys.providers.file import FileKeyring

if TYPE_CHECKING:
    from adapters.connector.settings import Settings
    from keys.providers.base import KeyProvider
    from keys.strict_json import JsonLike

OWN_USES: Final = (KeyUse.SIG, KeyUse.KEM, KeyUse.AUDIT, KeyUse.AUTH, KeyUse.INDEX)
"""Keys of an agency, one per use (crypto: one key, one use)."""
PUBLIC_USES: Final = (KeyUse.SIG, KeyUse.KEM, KeyUse.AUDIT, KeyUse.AUTH)
"""Those whose public half stands in the agency list."""


def read_passphrase(settings: Settings) -> str:
    """Read the passphrase file: its first line.

    Raises:
        SettingsRejected: missing, empty or readable by others.
    """
    file = settings.keys.passphrase_file
    try:
        if file.stat().st_mode & 0o077:
            raise SettingsRejected("[keys] passphrase_file is readable by others; chmod 600 it")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRejected("[keys] passphrase_file cannot be read") from error
    passphrase = text.partition("\n")[0].strip()
    if not passphrase:
        raise SettingsRejected("[keys] passphrase_file is empty")
    return passphrase


def open_keyring(settings: Settings) -> FileKeyring:
    """Open the keyring.

    Raises:
        SettingsRejected: missing, damaged, or a wrong passphrase.
    """
    try:
        return FileKeyring.open(settings.keys.keyring, read_passphrase(settings))
    except PassphraseWrong as error:
        raise SettingsRejected("[keys] wrong passphrase, or the keyring was changed") from error
    except KeyringError as error:
        raise SettingsRejected(f"[keys] keyring: {error.code}") from error


def make_keyring(settings: Settings, now: int) -> FileKeyring:
    """Make a keyring with one key per use.

    Raises:
        SettingsRejected: there is one already, or it cannot be written.
    """
    settings.keys.keyring.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        keyring = FileKeyring.create(
            settings.keys.keyring, read_passphrase(settings), settings.agency.id
        )
        for use in OWN_USES:
            keyring.new_key(use, now)
    except KeyringError as error:
        raise SettingsRejected(f"[keys] keyring: {error.code}") from error
    return keyring


def public_keys(provider: KeyProvider) -> list[dict[str, JsonLike]]:
    """Give the public keys in the form of the agency list."""
    return [
        {"kid": kid, "use": use.value, "jwk": dict(provider.public_jwk(kid)), "state": "active"}
        for use in PUBLIC_USES
        for kid in provider.kids(use)
    ]
