# SPDX-License-Identifier: EUPL-1.2
"""The agency side: connector, source adapters, and small simulated agency systems."""
