# SPDX-License-Identifier: EUPL-1.2
"""How Lotse is put to work: the demo, the measurements, and what an operator installs."""
