# SPDX-License-Identifier: EUPL-1.2
"""Agencies in a test: they sign and seal as connectors do."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.permission_model import TemplateId
from gateway.templates import load_templates
from keys import pseudonyms
from keys.detail import seal_detail
from keys.model import AgencyId, FileNumber
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import JsonValue, b64u
from keys.suites import RecipientKey

ISSUER = "https://lotse.example"
ORIGIN = "log.lotse.example/2026"
KINDS = {
    "abh.hannover": "ABH",
    "jc.hannover": "JC",
    "jc.celle": "JC",
    "mbe.caritas": "MBE",
    "melde.hannover": "MELDE",
    "schule.ost": "SCHULE",
    "ja.hannover": "JA",
}
ABH, JC, JC2, MBE, MELDE, SCHULE, JA = (AgencyId(name) for name in KINDS)
PURPOSES = ("P01", "P02", "P03", "P04")
DAY = 86_400


@dataclass
class Office:
    """One agency: its keys, and the file numbers of its people."""

    id: AgencyId
    keys: InsecureMemoryKeyring

    def recipient_key(self, use: KeyUse) -> RecipientKey:
        """Give the public half that others seal to."""
        kid = self.keys.kids(use)[0]
        return RecipientKey(kid, self.keys.public_jwk(kid))

    def subject(self, file_number: str) -> tuple[bytes, dict[str, str]]:
        """Give blind index and the body's `subject` for one file."""
        key = self.keys.hmac_key(KeyUse.INDEX)
        number = FileNumber(file_number)
        index = pseudonyms.blind_index(key, self.id, number)
        unlock = pseudonyms.unlock_value(key, self.id, number)
        return index, {"index": b64u(index), "unlock": b64u(unlock)}

    def half(self, file_number: str, secret: bytes, name: str, born: str) -> dict[str, str]:
        """Give the half of a link that this agency sends."""
        _, subject = self.subject(file_number)
        reference = pseudonyms.seal_reference(
            FileNumber(file_number), self.id, self.recipient_key(KeyUse.KEM)
        )
        check = pseudonyms.link_check(secret, name, born)
        return {**subject, "ref": b64u(reference), "check": b64u(check)}

    def detail(self, corr: str, **said: JsonValue) -> bytes:
        """Seal a detail to this agency's own audit key."""
        return seal_detail(
            said, controller=self.id, corr=corr, audit_key=self.recipient_key(KeyUse.AUDIT)
        )


def shown(template: str, language: str = "de") -> str:
    """Give the digest of the notice that a person was shown for a template."""
    digest = load_templates()[TemplateId(template)].notice_digest(language)
    assert digest is not None
    return digest
