# SPDX-License-Identifier: EUPL-1.2
"""The scenes: what is played and what must come out (walkthroughs U01 to U15 of the rule texts).

Each scene is a function of the stage. It drives connectors over their local HTTP API and the
person's API, writes down what the asking system was told, and is compared with what was expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.scenes import attacks, benefits, consents, counselling, registers, residence

if TYPE_CHECKING:
    from deploy.demo.scenes.model import Scene

SCENES: Final[tuple[Scene, ...]] = (
    *residence.SCENES,
    *benefits.SCENES,
    *counselling.SCENES,
    *registers.SCENES,
    *consents.SCENES,
    *attacks.SCENES,
)
"""In the order in which they are played: those that search everything come last."""
