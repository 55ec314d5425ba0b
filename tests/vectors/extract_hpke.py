# SPDX-License-Identifier: EUPL-1.2
"""Takes our two suites out of the published HPKE test vectors: ``python extract_hpke.py DIRECTORY``.

``DIRECTORY`` holds ``test-vectors.json`` and ``hpke-pq-test-vectors.json`` as the distribution
``cryptography-vectors`` 50.0.2 ships them under ``cryptography_vectors/HPKE``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
BASE_MODE = 0
KEPT = ("mode", "kem_id", "kdf_id", "aead_id", "info", "skRm", "pkRm", "enc")

SOURCES = {
    "hpke_p256.json": (
        "test-vectors.json",
        (16, 1, 2),
        (
            "RFC 9180 test vectors, published by the CFRG (cfrg/draft-irtf-cfrg-hpke), as shipped by "
            "the Python Cryptographic Authority in cryptography-vectors 50.0.2"
        ),
    ),
    "hpke_mlkem1024_p384.json": (
        "hpke-pq-test-vectors.json",
        (81, 2, 2),
        (
            "draft-ietf-hpke-pq test vectors, published by the HPKE working group "
            "(hpkewg/hpke-pq), as shipped by the Python Cryptographic Authority in "
            "cryptography-vectors 50.0.2"
        ),
    ),
}


def main(directory: Path) -> None:
    """Write one small file for each suite: the first encryption, which is the single-shot one."""
    for name, (source, suite, publisher) in SOURCES.items():
        vectors = json.loads((directory / source).read_bytes())
        (vector,) = [
            v
            for v in vectors
            if (v["mode"], v["kem_id"], v["kdf_id"], v["aead_id"]) == (BASE_MODE, *suite)
        ]
        taken = {key: vector[key] for key in KEPT}
        taken["encryption"] = vector["encryptions"][0]
        document = {"publisher": publisher, "vector": taken}
        (HERE / name).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
