# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: What an OPA server beside a gateway or connector lets anybody do
# description: |
#   Two things: ask for the decision, with a known token and strictly evaluated, and ask whether the
#   server is well. Everything else is refused, also to those who hold a token: no rule or fact comes in
#   over HTTP, none is read, nothing is evaluated that does not stand in the signed bundle.
#   The server starts with --authentication=token --authorization=basic; then this package is asked
#   about every call.
# scope: package
package system.authz

default allow := false

# METADATA
# title: The decision
# description: |
#   Exactly these two parameters: without the first the answer does not say which bundle gave it, without
#   the second a built-in function that fails would be undefined; others would tell how rules evaluate.
# scope: rule
allow if {
	input.method == "POST"
	input.path == ["v1", "data", "lotse", "exchange", "decision"]
	input.params == {"provenance": ["true"], "strict-builtin-errors": ["true"]}
	known_caller
}

# METADATA
# title: Health
# description: For systemd and monitoring, who hold no token; with "bundles" only once the bundle is in force.
# scope: rule
allow if {
	input.method == "GET"
	input.path == ["health"]
	object.keys(input.params) - {"bundles"} == set()
}

# METADATA
# title: Somebody with a token
# description: Only hashes of tokens stand in callers.json. A short token could be guessed.
# scope: rule
known_caller if {
	count(input.identity) >= 32
	crypto.sha256(input.identity) in data.opa_callers
}
