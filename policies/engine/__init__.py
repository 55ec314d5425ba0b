# SPDX-License-Identifier: EUPL-1.2
"""Rule engines: things that evaluate the Rego rules on one input."""
