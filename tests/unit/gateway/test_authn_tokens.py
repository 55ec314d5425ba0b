# SPDX-License-Identifier: EUPL-1.2
"""Access tokens of RFC 9068, and the memory that may only ever save the signature check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.datastructures import Headers

from gateway.authn import tokens
from gateway.authn.errors import TokenRefused, WrongTokenType
from gateway.authn.tokens import TokenReader
from gateway.caller import Caller, Person
from gateway.problems import Problem
from keys.jws import sign_jws
from keys.model import Kid
from keys.providers.base import KeyUse
from keys.strict_json import dumps
from policies.model import Kind
from tests.support.signing_in import ABH, ISSUER, World, shared_database

AUTH_KID = Kid("abh.hannover#auth-1")


def _reader(world: World) -> TokenReader:
    ring = world.rings["gateway"]
    return TokenReader(ISSUER, {kid: ring.public_jwk(kid) for kid in ring.kids(KeyUse.TOKEN)})


def _claims(world: World, **changes: Any) -> dict[str, Any]:
    now = world.clock()
    claims = {
        "iss": ISSUER,
        "aud": ISSUER + "/v1",
        "sub": ABH,
        "client_id": ABH,
        "client_kid": AUTH_KID,
        "iat": now,
        "exp": now + 300,
        "jti": "AAAAAAAAAAAAAAAAAAAAAA",
        "scope": "exchange",
    }
    claims.update(changes)
    return {name: value for name, value in claims.items() if value is not ...}


def _signed(world: World, claims: dict[str, Any], *, typ: str = "at+jwt") -> str:
    return sign_jws(dumps(claims), typ=typ, signer=world.rings["gateway"].signer(KeyUse.TOKEN))


def test_an_issued_token_has_the_shape_of_rfc_9068(tmp_path: Path) -> None:
    """Type, audience, client, life of five minutes, a random id and a scope; nothing personal."""
    world = World()
    with shared_database(tmp_path) as engine:
        issued = world.authn(engine).tokens.for_agency(ABH, AUTH_KID)
    assert jwt.get_unverified_header(issued.text) == {
        "alg": "ES256",
        "kid": "gateway#token-1",
        "typ": "at+jwt",
    }
    claims = jwt.decode(issued.text, options={"verify_signature": False})
    random_id = claims.pop("jti")
    assert len(random_id) == 22
    assert claims == {k: v for k, v in _claims(world).items() if k != "jti"}
    assert issued.text not in repr(issued)


def test_no_two_tokens_have_one_id(tmp_path: Path) -> None:
    """Ids are random and not derived from who asks or when."""
    world = World()
    with shared_database(tmp_path) as engine:
        authn = world.authn(engine)
        assert authn.tokens.for_agency(ABH, AUTH_KID) != authn.tokens.for_agency(ABH, AUTH_KID)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": ...},
        {"aud": ISSUER},
        {"aud": [ISSUER + "/v1"]},
        {"aud": ISSUER + "/v2"},
        {"sub": ...},
        {"client_id": "jc.hannover"},
        {"client_id": ...},
        {"client_kid": ...},
        {"jti": ...},
        {"iat": ...},
        {"exp": ...},
        {"exp": 4_102_444_800},
        {"exp": "later"},
        {"exp": True},
        {"scope": "admin"},
        {"scope": "exchange person"},
        {"scope": ["exchange"]},
        {"scope": ...},
        {"scope": "person"},
    ],
)
def test_a_token_with_a_wrong_claim_opens_nothing(changes: dict[str, Any]) -> None:
    """Even signed by the gateway's own token key, a token must be whole."""
    world = World()
    with pytest.raises(TokenRefused):
        _reader(world).read(_signed(world, _claims(world, **changes)), now=world.clock())


def test_the_unchanged_claims_of_that_table_are_accepted() -> None:
    """The table above refuses for its changes and not for something else."""
    world = World()
    assert _reader(world).read(_signed(world, _claims(world)), now=world.clock()).subject == ABH


def test_a_token_by_an_unknown_key_opens_nothing() -> None:
    """The key id of the gateway on a signature by somebody else."""
    world = World()
    key = ec.generate_private_key(ec.SECP256R1())
    for kid in ("gateway#token-1", "gateway#token-2"):
        text = jwt.encode(_claims(world), key, "ES256", headers={"typ": "at+jwt", "kid": kid})
        with pytest.raises(TokenRefused):
            _reader(world).read(text, now=world.clock())


def test_a_token_of_another_type_is_told_apart() -> None:
    """The caller learns that it sent the wrong kind, which is the usual mistake."""
    world = World()
    with pytest.raises(WrongTokenType):
        _reader(world).read(_signed(world, _claims(world), typ="JWT"), now=world.clock())


def test_a_token_ends_to_the_second_also_when_remembered() -> None:
    """The memory saves the signature check and never prolongs a life."""
    world = World()
    reader, text = _reader(world), _signed(world, _claims(world))
    world.clock.advance(299)
    assert reader.read(text, now=world.clock()).subject == ABH
    world.clock.advance(1)
    with pytest.raises(TokenRefused):
        reader.read(text, now=world.clock())


def test_an_older_token_key_still_verifies() -> None:
    """A replica that has rotated its key accepts tokens of the one before."""
    world = World()
    before = _signed(world, _claims(world))
    world.rings["gateway"].new_key(KeyUse.TOKEN, world.clock())
    after = _signed(world, _claims(world))
    assert jwt.get_unverified_header(after)["kid"] == "gateway#token-2"
    reader = _reader(world)
    for text in (before, after):
        assert reader.read(text, now=world.clock()).subject == ABH


def test_the_memory_saves_the_signature_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second presentation of one token does no public-key operation; another token does."""
    world = World()
    reader, text = _reader(world), _signed(world, _claims(world))
    reader.read(text, now=world.clock())

    def unexpected(*_args: object, **_kwargs: object) -> dict[str, Any]:
        raise AssertionError("verified again")

    monkeypatch.setattr(tokens, "verified_claims", unexpected)
    assert reader.read(text, now=world.clock()).subject == ABH
    with pytest.raises(AssertionError, match="verified again"):
        reader.read(_signed(world, _claims(world, jti="another")), now=world.clock())


def test_a_changed_signature_is_not_taken_for_the_remembered_token() -> None:
    """The memory's key covers the whole text and not only what is signed."""
    world = World()
    reader, text = _reader(world), _signed(world, _claims(world))
    reader.read(text, now=world.clock())
    changed = text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:]
    with pytest.raises(TokenRefused):
        reader.read(changed, now=world.clock())


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that signs in again and again cannot fill the process."""
    monkeypatch.setattr(tokens, "REMEMBERED_TOKENS", 8)
    world = World()
    reader = _reader(world)
    for number in range(30):
        reader.read(_signed(world, _claims(world, jti=f"id-{number}")), now=world.clock())
    assert len(reader._remembered) <= 8


def _authenticate(world: World, path: Path, token: str, **settings: bool) -> Caller | Person:
    with shared_database(path) as engine:
        authn = world.authn(engine, **settings)
        return authn.authenticate(Headers({"authorization": f"Bearer {token}"}))


def test_a_caller_has_the_kind_that_the_list_says(tmp_path: Path) -> None:
    """The token names the instance only; the kind comes from the signed list."""
    world = World()
    caller = _authenticate(world, tmp_path, _signed(world, _claims(world)))
    assert caller == Caller(agency=ABH, kind=Kind("ABH"), token_id="A" * 22)


def _person(world: World, path: Path, *, insecure: bool) -> str:
    with shared_database(path) as engine:
        issuer = world.authn(engine).tokens
        return issuer.for_person("account-handle-1", b"s" * 32, insecure=insecure).text


def test_a_persons_token_gives_the_account_and_hides_its_secret(tmp_path: Path) -> None:
    """The secret reaches the core and no printed form; such a token is never remembered."""
    world = World()
    text = _person(world, tmp_path, insecure=False)
    person = _authenticate(world, tmp_path, text)
    assert isinstance(person, Person)
    assert (person.account, person.secret) == ("account-handle-1", b"s" * 32)
    assert "sss" not in repr(person)
    reader = _reader(world)
    claims = reader.read(text, now=world.clock())
    assert "sss" not in repr(claims)
    assert reader._remembered == {}


def test_a_stand_in_for_a_person_needs_the_demo_setting(tmp_path: Path) -> None:
    """A token of a stand-in, signed by the same key, opens nothing where it is not switched on."""
    world = World()
    text = _person(world, tmp_path, insecure=True)
    assert isinstance(_authenticate(world, tmp_path, text, accept_insecure_persons=True), Person)
    with pytest.raises(Problem, match="not-authenticated"):
        _authenticate(world, tmp_path, text)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Basic YWJoOmFiaA=="},
        {"authorization": "{token}"},
        {"authorization": "DPoP {token}"},
        {"authorization": "Bearer  {token}"},
        {"authorization": "Bearer {token} x"},
        {"authorization": "Bearer {token},Bearer {token}"},
        {"authorization": "Bearer {token}", "dpop": "proof"},
        {"cookie": "access_token={token}"},
    ],
)
def test_a_good_token_presented_wrongly_opens_nothing(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    """One Authorization header, one scheme, one token."""
    world = World()
    token = _signed(world, _claims(world))
    with shared_database(tmp_path) as engine:
        authn = world.authn(engine)
        presented = Headers({k: v.replace("{token}", token) for k, v in headers.items()})
        with pytest.raises(Problem, match="not-authenticated"):
            authn.authenticate(presented)
        good = Headers({"authorization": f"bearer {token}"})
        assert isinstance(authn.authenticate(good), Caller)


def test_two_authorization_headers_open_nothing(tmp_path: Path) -> None:
    """Two proxies could each read another one."""
    world = World()
    line = (b"authorization", f"Bearer {_signed(world, _claims(world))}".encode())
    with shared_database(tmp_path) as engine, pytest.raises(Problem, match="not-authenticated"):
        world.authn(engine).authenticate(Headers(raw=[line, line]))


@pytest.mark.parametrize("confirmation", [{"jkt": "A" * 43}, {"x5t#S256": "A" * 43}, {}, "x"])
def test_a_bound_token_as_plain_bearer_is_refused(tmp_path: Path, confirmation: Any) -> None:
    """Whatever ``cnf`` holds: a token that says it is bound is no bearer token."""
    world = World()
    token = _signed(world, _claims(world, cnf=confirmation))
    with shared_database(tmp_path) as engine:
        authn = world.authn(engine)
        for _ in range(2):  # the second time from the memory
            with pytest.raises(Problem, match="sender-binding-required"):
                authn.authenticate(Headers({"authorization": f"Bearer {token}"}))


def test_nobody_is_let_in_on_an_expired_agency_list(tmp_path: Path) -> None:
    """Without a list in force no key can be believed: 503 and not 401, since it is our fault."""
    world = World()
    with shared_database(tmp_path) as engine:
        authn = world.authn(engine)
        world.clock.advance(3600)
        headers = Headers({"authorization": f"Bearer {_signed(world, _claims(world))}"})
        with pytest.raises(Problem, match="agency-list-expired"):
            authn.authenticate(headers)
