# SPDX-License-Identifier: EUPL-1.2
"""Everything that can go wrong in the log, as one tree.

AuditError
├── EntryInvalid            an entry does not fit the closed vocabulary or is too large
├── UnusableInput           a file or text cannot be read as what it should be (exit 2)
├── TamperEvidence          the input is readable and does not hold (exit 1)
│   ├── SignatureInvalid    no trusted signature, a bad one, or too few cosignatures
│   ├── InclusionInvalid    the entry is not in the tree the checkpoint signs
│   ├── ConsistencyInvalid  one checkpoint is not a continuation of the other
│   └── EntryBroken         one entry or detail was changed, removed, added or moved
├── LogInconsistent         the database does not hold the log that its head describes; writing is refused
├── LogUnavailable          nothing was appended; the caller must not release anything
│   ├── LogClosed           the writer has been closed, or the log has been ended
│   └── OutcomeUnknown      the connection broke in COMMIT and the log could not be asked again
├── EntryConflict           another entry with the same id is already in the log
├── EntryNotFound           no such entry, tile or detail
└── DetailErased            the key of this detail was destroyed; its commitment stays in the log

Messages name indexes, sizes, entry ids and closed codes, never stored content.
"""


class AuditError(Exception):
    """Base of every error of this package."""


class EntryInvalid(AuditError):
    """An entry does not fit the closed vocabulary, or its leaf is larger than 8 KiB."""


class UnusableInput(AuditError):
    """A note, checkpoint, proof, policy or export directory cannot be read at all."""


class TamperEvidence(AuditError):
    """The input was readable, and what it claims does not hold."""


class SignatureInvalid(TamperEvidence):
    """No signature of a trusted key, a wrong one, or fewer cosignatures than the policy wants."""


class InclusionInvalid(TamperEvidence):
    """The inclusion proof does not lead from the entry to the signed root."""


class ConsistencyInvalid(TamperEvidence):
    """The newer tree does not begin with the older one: truncated, rolled back or forked."""


class EntryBroken(TamperEvidence):
    """One entry, or a detail that belongs to it, is not what the log signed."""

    def __init__(self, message: str, *, index: int, entry_id: str | None) -> None:
        """Keep the zero-based `index` and, where it is known, the id of the first broken entry."""
        super().__init__(message)
        self.index = index
        self.entry_id = entry_id


class LogInconsistent(AuditError):
    """The rows in the database are not the log that the head row describes."""


class LogUnavailable(AuditError):
    """The log could not be written; nothing was recorded, so nothing may be released."""


class LogClosed(LogUnavailable):
    """The writer was closed, or the log was ended and takes no more entries."""


class OutcomeUnknown(LogUnavailable):
    """The connection broke while committing, and the database cannot be asked whether it did."""


class EntryConflict(AuditError):
    """An entry with the same id but other content is in the log."""


class EntryNotFound(AuditError):
    """The log has no such entry, tile or detail."""


class DetailErased(AuditError):
    """The detail cannot be read any more because its key was destroyed."""
