# SPDX-License-Identifier: EUPL-1.2
"""Everything that can go wrong when a decision is prepared or taken.

A refusal is *not* an error: it is a value, see ``policies.model.Decision``.

::

    PolicyError
    ├── InputInvalid        the decision input is not what the engine may see
    ├── TextInvalid         a file is not JSON that can be read in one way only; ``code`` says why
    ├── CaseInvalid         a written case names something the catalogue does not know; says what and where
    ├── DeclaredInvalid     a declared code is unknown, mistyped or not the caller's to assert
    ├── UnknownCode         the catalogue has no such agency kind, field, purpose, rule, norm or reason
    ├── CatalogueInvalid    the data files contradict their schemas or each other
    ├── ReleaseRefused      a release of the rules must not come into force; ``code`` says why
    └── PolicyUnavailable   no decision could be taken; the caller must answer 503 and release nothing
        ├── EngineFailed    the engine trapped, answered nothing or answered nonsense
        └── BundleInvalid   rules, data and compiled module do not belong together

Messages carry closed codes and never a value that somebody sent.
"""

from __future__ import annotations


class PolicyError(Exception):
    """Base of every error of this package."""


class InputInvalid(PolicyError):
    """The decision input is malformed; ``code`` says how."""

    def __init__(self, code: str) -> None:
        super().__init__(f"decision input refused: {code}")
        self.code = code


class TextInvalid(PolicyError):
    """A text is not the JSON that every reader reads alike; ``code`` says why.

    ``line`` says where and ``name`` which name, when that is known; the name is as it was sent.
    """

    def __init__(self, code: str, *, line: int | None = None, name: str | None = None) -> None:
        super().__init__(f"not strict JSON: {code}")
        self.code = code
        self.line = line
        self.name = name


class CaseInvalid(PolicyError):
    """A written case cannot be read; says where, what is wrong and what is known instead."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class DeclaredInvalid(PolicyError):
    """A declared code cannot be accepted; ``code`` says why, the value is not repeated."""

    def __init__(self, code: str) -> None:
        super().__init__(f"declared codes refused: {code}")
        self.code = code


class UnknownCode(PolicyError):
    """The catalogue does not know a code of the given ``kind`` (agency, field, purpose …)."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the catalogue has no such {kind}")
        self.kind = kind


class CatalogueInvalid(PolicyError):
    """The catalogue data are inconsistent; the message names file and entry."""


class ReleaseRefused(PolicyError):
    """A release of the rules is not believed, or may not follow the one in force."""

    def __init__(self, code: str) -> None:
        super().__init__(f"release refused: {code}")
        self.code = code


class PolicyUnavailable(PolicyError):
    """No decision can be taken now; nothing may be released (promise P3)."""


class EngineFailed(PolicyUnavailable):
    """The rule engine failed; ``code`` says at which check."""

    def __init__(self, code: str) -> None:
        super().__init__(f"rule engine failed: {code}")
        self.code = code


class BundleInvalid(PolicyUnavailable):
    """Rules, data and compiled module do not fit together."""
