# SPDX-License-Identifier: EUPL-1.2
"""Runs a command that ends when the demo ends, even if the demo is killed.

``python leash.py PARENT COMMAND…``. The request survives the exec (prctl(2), PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def main() -> None:
    """Ask the kernel for SIGTERM at the parent's death, then become the command."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)  # it died before we asked
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - that is what this program is for


if __name__ == "__main__":
    main()
