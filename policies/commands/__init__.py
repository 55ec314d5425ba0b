# SPDX-License-Identifier: EUPL-1.2
"""The commands of ``lotse policy`` that ask the rules; ``policies.cli`` puts them together."""
