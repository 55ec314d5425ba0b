# SPDX-License-Identifier: EUPL-1.2
"""The sabotage of ``lotse demo --once --break``: one part of a gateway replaced by one that does wrong.

``python -m deploy.demo.insecure --break PART --config gateway.toml`` runs such a gateway,
``--connector connector.toml`` a holding connector that says more than it should. Nothing else
starts these, and no setting reaches them. They show that the scenes can fail.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from typing_extensions import override

from adapters.connector.app import create_connector
from adapters.connector.fetching import Fetcher
from adapters.connector.settings import load_settings as load_connector_settings
from deploy.demo.insecurelog import InsecureForgetfulLog, InsecureReceipts
from gateway import orders
from gateway.app import Stock, create_app
from gateway.engine import AtOnce
from gateway.exchange import Core
from gateway.facts import NOTHING_TOLD
from gateway.logs import configure_logging
from gateway.record import ExchangeLog
from gateway.release import Checked
from gateway.rules import GatewayRules
from gateway.settings import load_settings
from gateway.store.tables import permission
from keys.envelope import Expect, verify_manifest
from keys.jwk import p256_jwk
from keys.model import Kid
from keys.strict_json import b64u, unb64u
from policies.catalogue import Catalogue
from policies.decide import Decider
from policies.engine.embedded import EmbeddedEngine
from policies.model import FieldId, Outcome, PermissionFact, PermissionFacts
from policies.release.force import InsecureShippedRules, RuleSet

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Connection

    from adapters.connector.fetching import Fetched
    from adapters.connector.verify_order import VerifiedOrder
    from audit.log import LogWriter
    from gateway.facts import Gathered
    from gateway.links import Subject
    from gateway.model import HolderAnswer
    from gateway.opened import Opened
    from gateway.statements import Asked
    from keys.model import AgencyId, FileNumber
    from policies.decision import Decision
    from policies.model import DecisionInput, HolderFacts


class InsecureAllowEverything(Decider):
    """Releases every field, whatever the rules say."""

    @override
    def decide(self, inp: DecisionInput) -> Decision:
        """Turn every outcome into a release."""
        honest = super().decide(inp)
        opened = tuple(replace(one, outcome=Outcome.ALLOW_MIN) for one in honest.fields)
        return replace(honest, fields=opened, overall=Outcome.ALLOW_MIN)


class InsecureForeverPermissions(Core):
    """Takes any permission the person ever gave for one in force, whoever it was given for."""

    @override
    async def gather(
        self,
        asked: Asked,
        teller: AgencyId,
        subject: Subject,
        *,
        holder: HolderFacts = NOTHING_TOLD,
    ) -> Gathered:
        """Forget withdrawal, end, use and instance."""
        honest = await super().gather(asked, teller, subject, holder=holder)
        forever = await self.database.read(
            lambda connection: self._ever_given(connection, teller, subject)
        )
        return replace(honest, facts=replace(honest.facts, permission=forever))

    def _ever_given(
        self, connection: Connection, teller: AgencyId, subject: Subject
    ) -> PermissionFacts:
        person = self.links.consent_index(self.links.person_of(connection, teller, subject))
        rows = connection.execute(
            permission.select().where(permission.c.consent_index == person)
        ).all()
        given: dict[str, set[str]] = {}
        for row in rows:
            given.setdefault(row.type, set()).update(json.loads(row.fields))
        return PermissionFacts(
            **{
                kind: PermissionFact("in_force", tuple(FieldId(name) for name in sorted(names)))
                for kind, names in given.items()
            },
            retrieval_confirmed=any(row.preview_confirmed for row in rows),
        )


class InsecureUnguardedLog(ExchangeLog):
    """Records releases without asking whether the permission still stands."""

    @override
    def person_fields(self, decision: Decision) -> frozenset[FieldId]:
        """Pretend that nothing rests on an act of the person."""
        del decision
        return frozenset()


class InsecureKeySwap(Core):
    """Orders the holder to seal to a key of the gateway's own, and shows a list that says so."""

    @override
    def order(self, opened: Opened, gathered: Gathered) -> orders.Order:
        """Name the own key in the order; from now on also in the list."""
        recipient = opened.asked.recipient
        self.agencies.document = _with_own_key(self.agencies.document, recipient)
        asked = replace(
            opened.asked, body=replace(opened.asked.body, recipient_kid=_own(recipient))
        )
        return super().order(replace(opened, asked=asked), gathered)


def _own(agency: AgencyId) -> Kid:
    return Kid(f"{agency}#kem-9")


def _with_own_key(document: bytes, agency: AgencyId) -> bytes:
    """Put another key into the signed list; the signature stays what it was."""
    outer = json.loads(document)
    header, payload, signature = outer["list"].split(".")
    listed = json.loads(unb64u(payload))
    jwk = p256_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    for one in listed["agencies"]:
        if one["id"] == agency:
            own = {"kid": _own(agency), "use": "kem", "jwk": jwk, "state": "active"}
            one["keys"] = [key for key in one["keys"] if key["kid"] != _own(agency)] + [own]
    outer["list"] = f"{header}.{b64u(json.dumps(listed).encode('ascii'))}.{signature}"
    return json.dumps(outer).encode("ascii")


class InsecureNoStrip(Core):
    """Passes on whatever the holder sealed."""

    @override
    def check(self, opened: Opened, answer: HolderAnswer) -> Checked:
        """Verify the signature and cut nothing."""
        if answer.unverified_envelope is None:
            return super().check(opened, answer)
        agencies, asked = self.agencies.current(), opened.asked
        manifest = verify_manifest(
            answer.unverified_envelope,
            key=lambda kid: agencies.signing_key(asked.holder, kid),
            expect=Expect(
                source=asked.holder,
                recipient=asked.recipient,
                exchange=opened.exchange,
                decision_token_hash=opened.decision.digest,
                purpose=asked.purpose.lower(),
                catalogue=opened.catalogue,
            ),
            now=self.clock(),
        )
        return Checked(manifest, frozenset())


class InsecureTalkativeHolder(Fetcher):
    """Seals a field that nobody decided, beside those that were."""

    EXTRA: Final = "expulsion_interest"

    @override
    async def fetch(
        self, order: VerifiedOrder, file_number: FileNumber | None, *, refused: bool
    ) -> Fetched:
        """Fetch as decided, and then some."""
        honest = await super().fetch(order, file_number, refused=refused)
        return replace(honest, values={**honest.values, self.EXTRA: True})


def _core(sabotage: str, core: Core) -> Core:
    """Replace one part."""
    parts = {field.name: getattr(core, field.name) for field in fields(core)}
    match sabotage:
        case "policy":
            decider = InsecureAllowEverything(EmbeddedEngine.load(), Catalogue.load())
            rules = InsecureShippedRules(RuleSet(decider))
            return replace(core, rules=GatewayRules(rules, AtOnce()))
        case "consent":
            core.log.__class__ = InsecureUnguardedLog
            return InsecureForeverPermissions(**parts)
        case "receipt":
            core.log.log = cast("LogWriter", InsecureReceipts(core.log.log))
        case "log":
            core.log.log = cast("LogWriter", InsecureForgetfulLog(core.log.log))
        case "recipient-key":
            return InsecureKeySwap(**parts)
        case _:
            return InsecureNoStrip(**parts)
    return core


def gateway_app(sabotage: str, config: Path) -> FastAPI:
    """Make a gateway with one part that does wrong."""
    stock = Stock(change_core=lambda core: _core(sabotage, core))
    return create_app(load_settings(config), stock)


def connector_app(config: Path) -> FastAPI:
    """Make a connector that answers with more than was decided."""
    app = create_connector(load_connector_settings(config))
    holding = app.state.connector.holding
    holding._fetcher.__class__ = InsecureTalkativeHolder  # noqa: SLF001 - no part of the product offers this on purpose
    return app


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.insecure")
    parser.add_argument("--break", dest="sabotage", required=True)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--config", type=Path)
    which.add_argument("--connector", type=Path)
    options = parser.parse_args()
    if options.config is not None:
        settings = load_settings(options.config)
        if settings.profile != "demo":
            parser.error("only the demo is sabotaged")
        configure_logging(node=settings.node, clock=lambda: int(time.time()))
        app, host, port = (
            gateway_app(options.sabotage, options.config),
            settings.host,
            settings.port,
        )
    else:
        listen = load_connector_settings(options.connector).listen
        app, host, port = connector_app(options.connector), listen.host, listen.port
    uvicorn.run(app, host=host, port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
