# SPDX-License-Identifier: EUPL-1.2
"""Measures what an exchange costs: ``python -m deploy.bench``.

Six kinds of processes, so that none measures itself:

=========================  =====================================================================
process                    what it does
=========================  =====================================================================
``deploy.bench`` itself    prepares, starts the others, asks for figures, prints them
gateway                    the product, alone on the first core, with a meter around it
plain proxy                the same parts without decision, log and links: what the ratio is to
holder                     a fast stand-in for the holding connector; seals really
load                       plays requests that it signed beforehand over 1, 8 and 32 connections
decisions, memory          decide without a gateway around them, in both engines
=========================  =====================================================================

Nothing here fails by the clock: figures are printed, and people judge them.
"""
