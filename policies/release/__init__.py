# SPDX-License-Identifier: EUPL-1.2
"""Releases of the rules: one signed file that every engine loads, and how it comes into force.

``archive`` and ``layout`` say what the file is, ``opa`` signs it for a real OPA, ``statement`` is
what the release key signs, ``verify`` makes the only thing an engine accepts, ``store`` keeps
releases on disk, and ``force`` swaps them in a running process.
"""
