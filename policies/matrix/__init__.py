# SPDX-License-Identifier: EUPL-1.2
"""The whole decision matrix: who may get what from whom, for what, on which norm.

What a rule does on a route is not copied from its data but asked of the engine, three times: with
nothing stated, with everything that the rule asks for, and after a person at the source released.
"""
