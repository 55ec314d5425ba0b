# SPDX-License-Identifier: EUPL-1.2
"""Errors of the agency side.

::

    AdaptersError
    ├── SettingsError            a settings file of the connector or of a source cannot be used
    └── SourceError              the agency's own system gave no usable answer
        ├── SourceUnavailable    it is down, slow or overloaded; the same call may work later
        └── SourceBroken         it answered, but not as the mapping says; a person has to look
            └── MappingError     the mapping file itself cannot be used

No message contains a value, a file number or any other text that came from a source.
Messages name the line of the mapping, the field and the kind of difficulty.
"""

from __future__ import annotations


class AdaptersError(Exception):
    """Base of every error raised by the package ``adapters``."""


class SettingsError(AdaptersError):
    """A settings file cannot be used; the message names the key, never a secret."""


class SourceError(AdaptersError):
    """The agency's own system gave no usable answer; no data may be sent on."""


class SourceUnavailable(SourceError):
    """The source is down, slow or overloaded; the same call may work later."""


class SourceBroken(SourceError):
    """The source answered, but not as the mapping says; a person has to look."""


class MappingError(SourceBroken):
    """The mapping file itself cannot be used; found when it is loaded, before any person is looked up."""
