# SPDX-License-Identifier: EUPL-1.2
"""The connector: the process at each agency that asks others, and answers them.

Asking side: `asking` (steps 1 and 11 of an exchange) and `mailbox` (what arrives later).
Holding side: `verify_order` and `holding` (steps 7 and 8) and `held` (what waits for a person).
`app` puts both behind HTTP. `store` is the one file on disk besides the keyring.
"""
