# SPDX-License-Identifier: EUPL-1.2
"""``lotse demo``: the whole of Lotse on one machine, as separate processes, with scenes that can fail.

============  ==================================================================================
cast          who takes part: agencies, agreements, invented clerks and case references
place         the directory of one demo: marker, lock, what lies where
ports         free ports on loopback
provision     keys, signed agency list, settings, the agencies' own systems
supervisor    starts the processes, waits for them, restarts the gateway, stops all
recorder      keeps every byte between connectors and gateway
office        speaks to a connector as an agency's own system does; the person's side beside it
evidence      ``lotse-verify`` and ``lotse audit`` as processes of their own; opens a detail
scenes        what is played and what must come out
hunt          the search of scene C
insecure      the sabotage of ``--break``; used nowhere else
============  ==================================================================================
"""
