# SPDX-License-Identifier: EUPL-1.2
"""A release made at the desk verifies, decides and denies; what it says about itself is closed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.engine.base import Answer
from policies.engine.embedded import EmbeddedEngine
from policies.errors import ReleaseRefused
from policies.model import Outcome
from policies.release.make import Terms, deny_all, make_release, shipped_golden
from policies.release.profile import FORBIDDEN, check_profile
from policies.release.selftest import self_tested
from policies.release.sentences import SENTENCES, refusal_text
from policies.release.statement import Statement
from policies.release.verify import VerifiedBundle, verify
from tests.support import tree
from tests.support.releases import DAY, NOW, ReleaseHouse, few_golden, without_field

DIGEST = "0" * 64
SOUND = Statement(3, 2, NOW, NOW + DAY, DIGEST, DIGEST, "2026.11.2", "2026-11-22", emergency=False)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> ReleaseHouse:
    """A release desk."""
    return ReleaseHouse(tmp_path_factory.mktemp("desk"))


def test_a_release_of_the_shipped_rules_verifies_and_decides_as_reviewed(
    house: ReleaseHouse,
) -> None:
    """What an engine gets is the bundle itself, and all reviewed cases come out."""
    made = house.make(1, golden=shipped_golden())
    verified = verify(made.file, made.token, house.key.verifier)
    assert verified.bundle == Bundle.load()
    assert verified.kid == house.key.kid
    decider = self_tested(verified, EmbeddedEngine(verified.bundle))
    assert decider.bundle_digest == Bundle.load().digest == verified.statement.bundle


def test_the_same_content_gives_the_same_file_but_for_the_signatures(house: ReleaseHouse) -> None:
    """Anyone can make the content again and compare it, without the key."""
    first, second = house.make(1), house.make(2)
    assert len(first.file) == len(second.file)
    assert first.statement.bundle == second.statement.bundle
    assert first.statement.release != second.statement.release


def test_the_emergency_release_denies_what_the_rules_allow(house: ReleaseHouse) -> None:
    """Every reviewed case, with all its permissions, comes out as no."""
    made = house.make(1, emergency=True)
    verified = verify(made.file, made.token, house.key.verifier)
    decider = self_tested(verified, EmbeddedEngine(verified.bundle))
    assert not any(rule.fields for rule in decider.catalogue.rules.values())
    assert set(decider.catalogue.rules) == set(Catalogue.load().rules)


def test_only_verify_makes_what_an_engine_accepts(house: ReleaseHouse) -> None:
    """Skipping the verification is a type error."""
    made = house.make(1)
    verified = verify(made.file, made.token, house.key.verifier)
    with pytest.raises(TypeError, match="only made by verify"):
        VerifiedBundle(
            verified.statement,
            verified.kid,
            verified.token_digest,
            verified.bundle,
            verified.catalogue,
            verified.golden,
            object(),
        )


def test_a_release_that_decides_otherwise_than_reviewed_fails_its_self_test(
    house: ReleaseHouse,
) -> None:
    """A field less, and the case that expects it comes out differently."""
    made = house.make(1, without_field("R02", "permit_type"), golden=shipped_golden())
    verified = verify(made.file, made.token, house.key.verifier)
    with pytest.raises(ReleaseRefused, match="self_test"):
        self_tested(verified, EmbeddedEngine(verified.bundle))


@pytest.mark.parametrize("golden", [{}, {"U04.json": b"{}"}, {"U04.json": b"no"}])
def test_a_release_without_readable_cases_fails_its_self_test(
    house: ReleaseHouse, golden: dict[str, bytes]
) -> None:
    """Nothing tested is not the same as nothing wrong."""
    made = house.make(1, golden=golden)
    verified = verify(made.file, made.token, house.key.verifier)
    with pytest.raises(ReleaseRefused, match="self_test"):
        self_tested(verified, EmbeddedEngine(verified.bundle))


def test_an_engine_over_other_rules_fails_the_self_test(house: ReleaseHouse) -> None:
    """An OPA server that still has the release before is not the one that was asked for."""
    made = house.make(1, without_field("R02", "permit_issued"))
    verified = verify(made.file, made.token, house.key.verifier)
    with pytest.raises(ReleaseRefused, match="self_test"):
        self_tested(verified, EmbeddedEngine(Bundle.load()))


def test_a_rule_that_allows_without_agreement_fails_the_self_test(house: ReleaseHouse) -> None:
    """An engine that opens something for nobody is refused, whatever its cases say."""
    made = house.make(1)
    verified = verify(made.file, made.token, house.key.verifier)

    class InsecureGenerous(EmbeddedEngine):
        @override
        def evaluate(self, canonical_json: bytes) -> list[Answer]:
            answers = super().evaluate(canonical_json)
            for answer in answers:
                if "no_agreement" in answer["reasons"]:
                    answer["outcome"], answer["rule"] = Outcome.ALLOW_MIN.value, "R02"
            return answers

    with pytest.raises(ReleaseRefused, match="self_test"):
        self_tested(verified, InsecureGenerous(verified.bundle))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("sequence", 0),
        ("sequence", 10**6 + 1),
        ("oldest", 4),
        ("oldest", 0),
        ("valid_until", NOW),
        ("valid_until", NOW + 401 * DAY),
        ("release", "0" * 63),
        ("bundle", "G" * 64),
        ("catalogue", ""),
        ("law_version", "a b"),
    ],
)
def test_a_statement_that_contradicts_itself_is_refused(member: str, value: object) -> None:
    """Each member has its range, also when the key signed something else."""
    assert Statement.from_bytes(SOUND.to_bytes()) == SOUND
    wrong = replace(SOUND, **{member: value})  # type: ignore[arg-type]  # the values are wrong on purpose
    with pytest.raises(ReleaseRefused, match="statement"):
        Statement.from_bytes(wrong.to_bytes())


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        SOUND.to_bytes().replace(b'"v":1', b'"v":2'),
        SOUND.to_bytes().replace(b'"v":1', b'"v":1,"x":1'),
        SOUND.to_bytes().replace(b'"sequence":3', b'"sequence":true'),
        SOUND.to_bytes().replace(b'"sequence":3', b'"sequence":3.0'),
        SOUND.to_bytes() + b" ",
        SOUND.to_bytes().replace(b'{"bundle"', b'{"sequence":9,"bundle"'),
    ],
)
def test_a_statement_has_one_spelling(payload: bytes) -> None:
    """Another version, another type, a member twice, a space: none is read."""
    with pytest.raises(ReleaseRefused, match="statement"):
        Statement.from_bytes(payload)


def test_the_window_is_closed_at_its_end_and_open_for_an_emergency() -> None:
    """Valid from the first second to the one before the last; what only denies never ends."""
    moments = (NOW - 1, NOW, NOW + DAY - 1, NOW + DAY)
    assert [SOUND.in_force(t) for t in moments] == [False, True, True, False]
    emergency = replace(SOUND, emergency=True)
    assert [emergency.in_force(t) for t in moments] == [True] * 4
    assert [SOUND.tolerates(n) for n in (1, 2, 3)] == [False, True, True]
    assert not emergency.tolerates(3)


def test_a_bundle_whose_data_are_not_derived_is_not_signed(house: ReleaseHouse) -> None:
    """The engines' data must be what the reviewed files give; the desk looks before it signs."""
    files = dict(Bundle.load().files)
    files["rego/data.json"] = files["rego/data.json"].replace(b"true", b"false", 1)
    with pytest.raises(ReleaseRefused, match="document"):
        make_release(Bundle.of(files), few_golden(), Terms(1, NOW, NOW + DAY), house.key)
    with pytest.raises(ReleaseRefused, match="emergency"):
        make_release(
            Bundle.load(), few_golden(), Terms(1, NOW, NOW + DAY, emergency=True), house.key
        )


RULE = "rego/lotse/exchange/decision.rego"


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        (RULE, b"\n# METADATA", b"\nx := time.now_ns()\n# METADATA", "builtin"),
        (RULE, b"\nimport future.keywords.not\n", b"\n", "negation"),
        (RULE, b"package lotse.exchange", b"package lotse.other", "package"),
        (RULE, b"package lotse.exchange", b"package catalogue", "package"),
        (RULE, b"import future", b"import data.catalogue\nimport future", "package"),
        (RULE, b"import future", b"import input.x\nimport future", "package"),
        (RULE, b"package", b"\xff\npackage", "package"),
        ("rego/data.json", b'"catalogue"', b'"lotse"', "data_root"),
        ("rego/data.json", b"{", b"[", "data_root"),
    ],
)
def test_rego_that_engines_read_differently_is_refused(
    path: str, old: bytes, new: bytes, code: str
) -> None:
    """Also when it is signed: a mistake at the desk must not become a hole here."""
    files = dict(Bundle.load().files)
    assert old in files[path]
    files[path] = files[path].replace(old, new, 1)
    check_profile(Bundle.load())
    with pytest.raises(ReleaseRefused, match=code):
        check_profile(Bundle.of(files))


def test_the_search_for_forbidden_functions_is_the_one_of_the_shipped_rules() -> None:
    """It finds what it is for."""
    for sample in (
        "time.now_ns()",
        'sprintf("%s", [x])',
        "lower(x)",
        "opa.runtime()",
        "with input",
    ):
        assert FORBIDDEN.search(sample), sample


def test_every_refusal_has_a_sentence_and_no_sentence_is_left_over() -> None:
    """Codes in the source and codes in the table are the same."""
    package = Path(tree.ROOT / "policies" / "release")
    sources = "".join(
        f.read_text("utf-8") for f in package.glob("*.py") if f.name != "sentences.py"
    )
    for code in SENTENCES:
        assert f'"{code}"' in sources, code
        assert refusal_text(code).endswith(f"[{code}]")
    raised = {
        part.split('"')[1]
        for part in sources.split("ReleaseRefused(")[1:]
        if part.startswith('"') or " if " in part.split(")")[0]
    }
    assert raised - SENTENCES.keys() == set()


def test_deny_all_keeps_rego_module_and_every_text() -> None:
    """Only what the rules list goes; the way through the engines stays the same."""
    before, after = Bundle.load().files, deny_all(Bundle.load()).files
    differing = {path for path in before if before[path] != after[path]}
    assert differing == {"data/rules.json", "data/conditions.json", "rego/data.json"}
    rules = json.loads(after["data/rules.json"])["rules"]
    assert [rule["id"] for rule in rules] == list(Catalogue.load().rules)
