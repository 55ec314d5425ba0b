# SPDX-License-Identifier: EUPL-1.2
"""What a refused release means and what to do, one line per code."""

from __future__ import annotations

from typing import Final

_DAMAGED = (
    "The file is not a release as the release desk makes it: damaged on the way, or tampered with.",
    "Fetch it again from the release desk; if it is the same there, treat it as an attack.",
)
_OTHER = (
    "It was signed, but it is not what it says.",
    "Do not use it. Tell the release desk; the rules in force stay.",
)
_VERSION = (
    "The release was made for another version of Lotse.",
    "Install that version first, or ask for a release for this one (`lotse version`).",
)
_FOLDER = (
    "The folder of releases cannot be relied on.",
    "Activate the newest release again; see docs/operations.md, section Rules.",
)

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "signature": (
        "None of the release keys in the settings signed it.",
        "Compare the key's name with [policy] keys; after a change of keys pin the new one first.",
    ),
    "statement": _DAMAGED,
    "digest": (
        "The signed statement is about another file.",
        "Copy both files again: NAME.tar.gz and NAME.jws belong together.",
    ),
    "unreadable": (
        "The file, or the statement NAME.jws beside it, is not there or cannot be read.",
        "Copy both files, and look at their owner and mode.",
    ),
    "too_large": _DAMAGED,
    "too_many": _DAMAGED,
    "not_gzip": _DAMAGED,
    "not_tar": _DAMAGED,
    "not_canonical": _DAMAGED,
    "member": _DAMAGED,
    "files": _VERSION,
    "manifest": _OTHER,
    "opa_signature": _OTHER,
    "catalogue": _VERSION,
    "document": _VERSION,
    "builtin": _OTHER,
    "negation": _OTHER,
    "package": _OTHER,
    "data_root": _OTHER,
    "emergency": (
        "It says that it denies everything, and it does not.",
        "Do not use it. Tell the release desk.",
    ),
    "older": (
        "A release with a higher sequence was in force here before.",
        "To go back, use the old content under a higher sequence: `lotse policy rollback`.",
    ),
    "same_sequence": (
        "Another release with this sequence was in force here before.",
        "Ask the release desk which of the two is the true one; nobody signs a sequence twice.",
    ),
    "not_yet_valid": (
        "Its time has not come.",
        "Compare the clock of this machine; activate it when it is valid.",
    ),
    "expired": (
        "Its time is over.",
        "Ask the release desk for a new one. Without rules in force nothing is exchanged.",
    ),
    "self_test": (
        "It does not decide as its own reviewed cases say, or it does not say no where it must.",
        "Do not use it. Tell the release desk; the rules in force stay.",
    ),
    "engine": (
        "The rule engine could not load it, or gave no answers.",
        "Look at the OPA server, if one is used; it is tried again every few seconds.",
    ),
    "not_earlier": (
        "Its content is none that was in force here before.",
        "For new content use `lotse policy activate`.",
    ),
    "not_deny_all": (
        "It is not an emergency release.",
        "The release desk makes one with `lotse policy release --deny-all`.",
    ),
    "nothing_ready": (
        "No release that does this lies in the folder `ready`.",
        "Name the file, or ask the release desk; without one, stop the gateway: that denies too.",
    ),
    "several_ready": (
        "Several releases in the folder `ready` do this.",
        "Name the file.",
    ),
    "state": _FOLDER,
    "nothing_active": (
        "No release was put in force yet, or the folder was lost.",
        "`lotse policy activate --config FILE RELEASE`; until then nothing is exchanged.",
    ),
}


def refusal_text(code: str) -> str:
    """Return what happened, what it means and what to do."""
    meaning, remedy = SENTENCES[code]
    return f"{meaning} {remedy} [{code}]"
