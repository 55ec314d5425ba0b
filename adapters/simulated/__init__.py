# SPDX-License-Identifier: EUPL-1.2
"""Small stand-alone programs that play the agencies' own systems in the demo and in tests.

They know nothing of Lotse: they import the standard library and the invented people, nothing else.
The folder ``mappings`` holds what an agency would write: one mapping file for each of these systems.

==================  ===========================================  ==========================
agency              program                                      mapping
==================  ===========================================  ==========================
``abh.hannover``    ``python -m adapters.simulated.abh``         ``abh.hannover.toml``
``jc.hannover``     ``python -m adapters.simulated.jobcenter``   ``jc.hannover.toml``
``jc.celle``        the same with ``--centre celle``             ``jc.celle.toml``
``mbe.caritas``     ``python -m adapters.simulated.mbe``         ``mbe.caritas.toml``
``melde.hannover``  ``python -m adapters.simulated.melde``       ``melde.hannover.toml``
==================  ===========================================  ==========================
"""

from __future__ import annotations

from pathlib import Path


def mapping_path(agency: str) -> Path:
    """Where the mapping file of a simulated agency lies, for example of ``abh.hannover``."""
    return Path(__file__).parent / "mappings" / f"{agency}.toml"
