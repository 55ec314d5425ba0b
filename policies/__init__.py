# SPDX-License-Identifier: EUPL-1.2
"""What may be shared: pure decisions about single fields, used on both sides of an exchange.

Start with ``policies.decide.load_decider`` and ``policies.model.DecisionInput``.
"""
