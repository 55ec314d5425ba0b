# SPDX-License-Identifier: EUPL-1.2
"""Trust policies: who must have signed, and which files are refused."""

from __future__ import annotations

import pytest

from audit.checkpoint import Checkpoint, log_key, sign_checkpoint
from audit.errors import SignatureInvalid, UnusableInput
from audit.note import COSIGNATURE, VerifierKey, signature_line
from audit.policy import Policy
from tests.unit.audit.samples import ORIGIN, InsecureLogSigner

LOG = log_key(ORIGIN, InsecureLogSigner()).to_text()
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, InsecureLogSigner())
WITNESSES = {
    seed: VerifierKey(f"witness{seed}.example", COSIGNATURE, InsecureLogSigner(seed).public_bytes())
    for seed in (2, 3, 4)
}
NAMED = "".join(f"witness w{seed} {key.to_text()}\n" for seed, key in WITNESSES.items())


def cosigned(*seeds: int) -> str:
    """Give the checkpoint with cosignatures of these witnesses."""
    note = NOTE
    for seed in seeds:
        signature = InsecureLogSigner(seed).sign(
            b"cosignature/v1\ntime 5\n" + CHECKPOINT.body().encode()
        )
        key = WITNESSES[seed]
        note += signature_line(key.name, key.id, (5).to_bytes(8) + signature)
    return note


@pytest.mark.parametrize(
    ("rule", "enough", "too_few"),
    [
        ("quorum none", [()], []),
        ("quorum w2", [(2,), (2, 3)], [(), (3,)]),
        ("group g any w2 w3 w4\nquorum g", [(2,), (4,)], [()]),
        ("group g all w2 w3 w4\nquorum g", [(2, 3, 4)], [(2, 3)]),
        ("group g 2 w2 w3 w4\nquorum g", [(2, 4), (2, 3, 4)], [(2,), ()]),
        ("group g any w2 w3\ngroup h all g w4\nquorum h", [(2, 4), (3, 4)], [(2, 3), (4,)]),
    ],
)
def test_the_quorum_decides(
    rule: str, enough: list[tuple[int, ...]], too_few: list[tuple[int, ...]]
) -> None:
    """Every kind of group counts as c2sp.org/tlog-policy says."""
    policy = Policy.parse(f"# whom we trust\n\n log {LOG} https://log.example\n{NAMED}{rule}\n")
    for seeds in enough:
        assert policy.open(cosigned(*seeds)) == CHECKPOINT
    for seeds in too_few:
        with pytest.raises(SignatureInvalid):
            policy.open(cosigned(*seeds))


def test_a_witness_does_not_count_twice() -> None:
    """The same cosignature repeated is one."""
    policy = Policy.parse(f"log {LOG}\n{NAMED}group g 2 w2 w3 w4\nquorum g\n")
    with pytest.raises(SignatureInvalid):
        policy.open(cosigned(2, 2))


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"log {LOG}",
        f"log {LOG}\nquorum none\nquorum none",
        f"log {LOG}\nquorum w2",
        f"log {LOG}\nlog {LOG}\nquorum none",
        f"log {WITNESSES[2].to_text()}\nquorum none",
        f"witness w {LOG}\nquorum w",
        f"witness none {WITNESSES[2].to_text()}\nquorum none",
        f"witness a {WITNESSES[2].to_text()}\nwitness b {WITNESSES[2].to_text()}\nquorum none",
        f"witness a {WITNESSES[2].to_text()}\nwitness a {WITNESSES[3].to_text()}\nquorum none",
        f"{NAMED}group g 0 w2\nquorum g",
        f"{NAMED}group g 2 w2\nquorum g",
        f"{NAMED}group g any\nquorum g",
        f"{NAMED}group g any w2 w2\nquorum g",
        f"{NAMED}group g any h\nquorum g",
        f"{NAMED}group g any w2\ngroup h any w2\nquorum g",
        "trust everybody\nquorum none",
        "\n" * 2000,
    ],
)
def test_a_policy_that_is_not_clear_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UnusableInput):
        Policy.parse(text)


def test_a_policy_without_logs_trusts_none() -> None:
    """An empty list means nobody, not everybody."""
    with pytest.raises(SignatureInvalid):
        Policy.parse("quorum none\n").open(NOTE)
