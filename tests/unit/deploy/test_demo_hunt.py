# SPDX-License-Identifier: EUPL-1.2
"""The search of scene C finds what it is meant to find; its silence means something."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import zlib

import pytest

from deploy.demo.hunt import Hunt, without_empty_pages
from deploy.demo.middle import memory

NAME = "Hadžiahmetović-Đurđević"
NUMBER = "33.21-AH7338815"
NOISE = bytes(range(256)) * 40


def _jws(payload: object) -> str:
    parts = ({"alg": "ES256"}, payload, "signature")
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(part.rstrip("=") for part in encoded)


def _deflate_raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def _zlib_small(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=10)
    return packer.compress(data) + packer.flush()


HIDDEN = {
    "plain": NAME.encode(),
    "utf-16 little": NAME.encode("utf-16-le"),
    "utf-16 big": NAME.encode("utf-16-be"),
    "hex": NAME.encode().hex().encode(),
    "hex in capitals": NAME.encode().hex().upper().encode(),
    "base64 at offset 0": base64.b64encode(NAME.encode() + b"tail"),
    "base64 at offset 1": base64.b64encode(b"x" + NAME.encode() + b"tail"),
    "base64 at offset 2": base64.b64encode(b"xy" + NAME.encode() + b"tail"),
    "base64url at offset 2": base64.urlsafe_b64encode(b"xy" + NAME.encode()),
    "base64 of utf-16": base64.b64encode(b"x" + NAME.encode("utf-16-le")),
    "json": json.dumps({"n": NAME}).encode(),
    "json, every letter": "".join(f"\\u{ord(letter):04X}" for letter in NAME).encode(),
    "a token": _jws({"n": NAME}).encode(),
    "a token in a token": _jws({"statement": _jws({"n": NAME})}).encode(),
    "zlib": zlib.compress(b"before " + NAME.encode()),
    "zlib with a small window": _zlib_small(NAME.encode()),
    "gzip of utf-16": gzip.compress(NAME.encode("utf-16-le")),
    "gzip of a token": gzip.compress(_jws({"n": NAME}).encode()),
}


@pytest.mark.parametrize("way", HIDDEN)
def test_a_hidden_name_is_found(way: str) -> None:
    """However the name is written, between other bytes, the search names it and nothing else."""
    hunt = Hunt([NAME, NUMBER])
    assert hunt.found_in([NOISE, NOISE + HIDDEN[way] + NOISE]) == {NAME}


def test_raw_deflate_is_found_where_a_file_begins() -> None:
    """Raw deflate has no beginning to recognise; the search tries it on each piece as a whole."""
    assert Hunt([NAME]).found_in([NOISE, _deflate_raw(b"so " + NAME.encode())]) == {NAME}


def test_what_overlaps_is_found_as_well() -> None:
    """Texts inside and beside each other do not hide one another."""
    hunt = Hunt(["Nasrin Soraya", "Soraya Al-Haddadin", "Al-Haddadin"])
    assert hunt.found_in([b"Nasrin Soraya Al-Haddadin"]) == hunt.texts


def test_noise_holds_nobody() -> None:
    """Random bytes, and the same texts with one letter changed, give no hit."""
    changed = NAME.replace("ž", "z").encode() + NUMBER.replace("8", "9").encode()
    assert Hunt([NAME, NUMBER]).found_in([os.urandom(200_000), changed]) == set()


def test_empty_pages_are_left_out_and_nothing_else() -> None:
    """A page with one byte in it stays whole, an empty one goes."""
    page = bytes(4095) + b"x"
    assert without_empty_pages(bytes(8192) + page + bytes(4096)) == page


def test_a_process_is_found_in_its_own_memory() -> None:
    """Reading memory gives what a process holds at this moment; a small one, so that it is quick."""
    canary = f"Kanarie-{os.urandom(8).hex()}"
    program = "import sys; held = sys.stdin.readline(); print(flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{canary}\n")
        process.stdin.flush()
        process.stdout.readline()
        found = Hunt([canary]).found_in(memory(process.pid))
        process.stdin.close()
    assert found == {canary}
