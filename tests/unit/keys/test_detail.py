# SPDX-License-Identifier: EUPL-1.2
"""Sealed details."""

from __future__ import annotations

import pytest

from keys.detail import MAX_DETAIL_BYTES, open_detail, seal_detail
from keys.errors import OpenFailed, SealRefused
from keys.model import AgencyId
from keys.providers.base import KeyUse
from keys.strict_json import JsonLike
from tests.unit.keys.parties import EXCHANGE, HOLDER, OTHER, Parties, recipient_key

DETAIL: dict[str, JsonLike] = {
    "v": 1,
    "role": "holder",
    "file_number": "12/345 (invented)",
    "clerk": None,
}


def sealed(parties: Parties, detail: dict[str, JsonLike] | None = None) -> bytes:
    return seal_detail(
        DETAIL if detail is None else detail,
        controller=HOLDER,
        corr=EXCHANGE,
        audit_key=recipient_key(parties.holder, KeyUse.AUDIT),
    )


def test_the_controller_opens_its_detail(parties: Parties) -> None:
    """What was sealed comes back at the controller, under the same exchange."""
    opener = parties.holder.opener(KeyUse.AUDIT)
    opened = open_detail(sealed(parties), controller=HOLDER, corr=EXCHANGE, opener=opener)
    assert opened == DETAIL


def test_details_have_one_size(parties: Parties) -> None:
    """Known or unknown, clerk or none, blocked or not: the size is the same."""
    sizes = {
        len(sealed(parties, {"file_number": number, "clerk": clerk, "fields": fields}))
        for number in (None, "1", "x" * 63)
        for clerk in (None, "c" * 100)
        for fields in ([], ["family_name"] * 60)
    }
    assert len(sizes) == 1
    assert len(sealed(parties, {"x": "y" * 3000})) - sizes.pop() == 1024


def test_a_detail_opens_nowhere_else(parties: Parties) -> None:
    """Neither another exchange, nor another controller, nor another key opens it."""
    data = sealed(parties)
    opener = parties.holder.opener(KeyUse.AUDIT)
    with pytest.raises(OpenFailed):
        open_detail(data, controller=HOLDER, corr="another", opener=opener)
    with pytest.raises(OpenFailed):
        open_detail(data, controller=OTHER, corr=EXCHANGE, opener=opener)
    for stranger in (parties.other.opener(KeyUse.AUDIT), parties.holder.opener(KeyUse.KEM)):
        with pytest.raises(OpenFailed):
            open_detail(data, controller=HOLDER, corr=EXCHANGE, opener=stranger)


@pytest.mark.parametrize("at", [0, 1, 2, 10, 40, 300, -1])
def test_a_changed_detail_does_not_open(parties: Parties, at: int) -> None:
    """One changed byte anywhere is noticed."""
    data = bytearray(sealed(parties))
    data[at] ^= 1
    with pytest.raises(OpenFailed):
        open_detail(
            bytes(data),
            controller=HOLDER,
            corr=EXCHANGE,
            opener=parties.holder.opener(KeyUse.AUDIT),
        )


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01\xff", b"\x02abc", b"\x01\x03abc"])
def test_other_bytes_are_not_a_detail(parties: Parties, data: bytes) -> None:
    """Truncated and foreign bytes fail in the one way."""
    with pytest.raises(OpenFailed):
        open_detail(
            data, controller=HOLDER, corr=EXCHANGE, opener=parties.holder.opener(KeyUse.AUDIT)
        )


def test_a_detail_is_only_sealed_to_its_controller(parties: Parties) -> None:
    """A swapped audit key is refused before anything is sealed."""
    with pytest.raises(SealRefused, match="audit_key"):
        seal_detail(
            DETAIL,
            controller=AgencyId(OTHER),
            corr=EXCHANGE,
            audit_key=recipient_key(parties.holder, KeyUse.AUDIT),
        )


@pytest.mark.parametrize("detail", [{"x": "y" * MAX_DETAIL_BYTES}, {"x": float("nan")}, {"x": b""}])
def test_what_cannot_be_kept_is_refused(parties: Parties, detail: dict[str, JsonLike]) -> None:
    """Too large or not JSON: refused, and not cut."""
    with pytest.raises(SealRefused, match="value"):
        sealed(parties, detail)
