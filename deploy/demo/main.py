# SPDX-License-Identifier: EUPL-1.2
"""What ``lotse demo`` does, once its options are read."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Final, NoReturn

from deploy.demo.place import PlaceRefused, default_root, occupied
from deploy.demo.provision import publish_list
from deploy.demo.run import play_all, started
from deploy.demo.scenes import SCENES
from deploy.demo.systems import SystemFailed
from deploy.demo.table import print_guide, print_results

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

OK: Final = 0
CHANGED: Final = 1
NOT_STARTED: Final = 2
RENEW_SECONDS: Final = 43_200
"""The agency list is in force for a week; a demo that keeps running signs a new one."""
INTERRUPTED: Final = 130
"""What a shell reports after Ctrl-C."""


def play_once(data: Path | None, *, fresh: bool, as_json: bool, sabotage: str | None) -> int:
    """Play all scenes; gives the exit status."""
    root = (data or default_root()).expanduser().absolute()
    if sabotage is not None:
        # Never among the data of an honest run, and never on top of an earlier sabotage.
        root, fresh = root.with_name(f"{root.name}-break-{sabotage}"), True
    _stop_on_sigterm()
    begun = time.monotonic()
    try:
        with (
            occupied(root, fresh=fresh) as place,
            started(place, sabotage=sabotage, say=_say) as running,
        ):
            results = play_all(running, SCENES, _say)
    except (PlaceRefused, SystemFailed) as error:
        print(f"lotse demo: {error}", file=sys.stderr)
        return NOT_STARTED
    except KeyboardInterrupt:
        print("lotse demo: stopped", file=sys.stderr)
        return INTERRUPTED
    if as_json:
        print(json.dumps([one.to_json() for one in results], indent=2, ensure_ascii=False))
    else:
        print_results(results, time.monotonic() - begun)
    changed = [one.scene.id for one in results if not one.ok]
    if changed:
        print(f"not as expected: {', '.join(changed)}", file=sys.stderr)
    return CHANGED if changed else OK


def keep_running(data: Path | None, *, fresh: bool) -> int:
    """Run until Ctrl-C; gives the exit status."""
    root = (data or default_root()).expanduser().absolute()
    _stop_on_sigterm()
    try:
        with (
            occupied(root, fresh=fresh) as place,
            started(place, sabotage=None, say=_say) as running,
        ):
            if running.trouble is not None:
                return NOT_STARTED
            print_guide(running.stage)
            while True:
                time.sleep(RENEW_SECONDS)
                issuer = running.stage.ports.url("gateway")
                publish_list(place, issuer=issuer, now=int(time.time()))
    except (PlaceRefused, SystemFailed) as error:
        print(f"lotse demo: {error}", file=sys.stderr)
        return NOT_STARTED
    except KeyboardInterrupt:
        print("lotse demo: stopped; what it wrote stays in " + str(root), file=sys.stderr)
    return OK


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def _stop_on_sigterm() -> None:
    """SIGTERM ends the demo in order, as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
