# SPDX-License-Identifier: EUPL-1.2
"""The release file: a gzipped tar of which only one spelling exists.

Names are sorted, times and owners are zero. The gzip holds stored blocks, because versions of
zlib compress differently and the same files must give the same bytes everywhere.
``unpack`` accepts nothing but what ``pack`` would have written, so that a second reader (OPA) cannot
find other files in the same bytes than we do.
"""

from __future__ import annotations

import io
import re
import struct
import tarfile
import zlib
from collections.abc import Mapping
from typing import Final

from policies.errors import ReleaseRefused

MAX_TAR_BYTES: Final = 16 * 1_048_576
"""Unpacked; the first release had half a megabyte."""
MAX_FILE_BYTES: Final = 4 * 1_048_576
MAX_FILES: Final = 256
MAX_RELEASE_BYTES: Final = MAX_TAR_BYTES + 65_536
"""As stored: blocks add five bytes to each 64 KiB."""

_STORED: Final = 65_535
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""RFC 1952: deflate, no name, no time, unknown system."""
_NAME: Final = re.compile(
    r"\.manifest|\.signatures\.json|[A-Za-z0-9_]+(?:/[A-Za-z0-9_]+)*\.(?:json|rego|wasm)"
)
_MAX_NAME: Final = 100
"""What a plain tar header holds."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the release file of these files; equal files give equal bytes.

    Raises:
        ReleaseRefused: ``member``, ``too_many`` or ``too_large``.
    """
    return _gzip(_tar(files))


def unpack(unverified_release: bytes) -> dict[str, bytes]:
    """Return the files of a release file. Nothing is believed yet: this looks at form only.

    Raises:
        ReleaseRefused: ``too_large``, ``not_gzip``, ``not_tar``, ``member``, ``too_many`` or
            ``not_canonical``.
    """
    tar = _gunzip(unverified_release)
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:", errorlevel=2) as archive:
            for member in archive:
                if not member.isreg() or member.name in files:
                    raise ReleaseRefused("member")
                if len(files) == MAX_FILES:
                    raise ReleaseRefused("too_many")
                content = archive.extractfile(member)
                if content is None or member.size > MAX_FILE_BYTES:
                    raise ReleaseRefused("member")
                files[member.name] = content.read()
    except (tarfile.TarError, EOFError, ValueError, OSError):
        raise ReleaseRefused("not_tar") from None
    if pack(files) != unverified_release:
        raise ReleaseRefused("not_canonical")
    return files


def _tar(files: Mapping[str, bytes]) -> bytes:
    if len(files) > MAX_FILES:
        raise ReleaseRefused("too_many")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            content = files[name]
            if _NAME.fullmatch(name) is None or len(name) > _MAX_NAME:
                raise ReleaseRefused("member")
            if len(content) > MAX_FILE_BYTES:
                raise ReleaseRefused("too_large")
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    tar = buffer.getvalue()
    if len(tar) > MAX_TAR_BYTES:
        raise ReleaseRefused("too_large")
    return tar


def _gzip(content: bytes) -> bytes:
    """Write RFC 1952 around RFC 1951 stored blocks."""
    parts = [_HEADER]
    for start in range(0, len(content), _STORED):
        block = content[start : start + _STORED]
        last = start + _STORED >= len(content)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack("<II", zlib.crc32(content), len(content)))
    return b"".join(parts)


def _gunzip(unverified: bytes) -> bytes:
    if len(unverified) > MAX_RELEASE_BYTES:
        raise ReleaseRefused("too_large")
    inflate = zlib.decompressobj(wbits=31)
    try:
        content = inflate.decompress(unverified, MAX_TAR_BYTES + 1)
    except zlib.error:
        raise ReleaseRefused("not_gzip") from None
    if len(content) > MAX_TAR_BYTES:
        raise ReleaseRefused("too_large")
    if not inflate.eof or inflate.unused_data:
        raise ReleaseRefused("not_gzip")
    return content
