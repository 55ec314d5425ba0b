# SPDX-License-Identifier: EUPL-1.2
"""The one table of problem types: everything the gateway can say when a call does not succeed.

A refusal is no problem: it is a value inside a 200 answer. Each text says what happened, what it
means and what to do. No text has a gap that a sent value could fill. Each type has a page under
``docs/problems/``; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem, as RFC 9457 wants it: stable code, status, fixed texts."""

    code: str
    """Ends the ``type`` URI and names the page; never renamed."""
    status: int
    """HTTP status code."""
    title: str
    """A few words, English."""
    detail: str
    """What happened, what it means, what to do; English."""
    title_de: str
    """A few words, German."""
    detail_de: str
    """What happened, what it means, what to do; German."""


_ROWS: Final = (
    ProblemType(
        "malformed-json",
        400,
        "The body is not valid JSON",
        "The body could not be read as UTF-8 JSON. Nothing was done. Send plain JSON: no byte order mark, no NaN, no deep nesting.",
        "Der Inhalt ist kein gültiges JSON",
        "Der Inhalt war nicht als JSON in UTF-8 lesbar. Es ist nichts geschehen. Bitte einfaches JSON senden: ohne Byte-Order-Mark, ohne NaN, ohne tiefe Schachtelung.",
    ),
    ProblemType(
        "duplicate-key",
        400,
        "A key occurs twice",
        "One object in the body has the same key twice. It could be read in two ways, so nothing was done. Send each key once.",
        "Ein Schlüssel kommt doppelt vor",
        "Ein Objekt im Inhalt hat denselben Schlüssel zweimal. Es wäre auf zwei Arten lesbar, daher ist nichts geschehen. Bitte jeden Schlüssel nur einmal senden.",
    ),
    ProblemType(
        "body-too-large",
        413,
        "The body is too large",
        "The body is larger than 1 MiB. It was not read. Send a smaller one; no exchange needs more.",
        "Der Inhalt ist zu groß",
        "Der Inhalt ist größer als 1 MiB. Er wurde nicht gelesen. Bitte weniger senden; kein Austausch braucht mehr.",
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "The content type is not accepted",
        "The content type of the body is not the one this address takes. The body was not read. Send application/json, or a form to the token endpoint.",
        "Der Inhaltstyp wird nicht angenommen",
        "Diese Adresse nimmt den Inhaltstyp nicht an. Der Inhalt wurde nicht gelesen. Bitte application/json senden, an den Token-Endpunkt ein Formular.",
    ),
    ProblemType(
        "invalid-request",
        400,
        "The request does not have the expected shape",
        "A part of the request is missing, unknown or of the wrong type. Nothing was done. The places are listed; compare them with the API description.",
        "Die Anfrage hat nicht die erwartete Form",
        "Ein Teil der Anfrage fehlt, ist unbekannt oder vom falschen Typ. Es ist nichts geschehen. Die Stellen sind genannt; bitte mit der API-Beschreibung vergleichen.",
    ),
    ProblemType(
        "not-authenticated",
        401,
        "Not signed in",
        "The call carries no valid credential. It was not looked at further. Sign in with a fresh client assertion and use the access token you get.",
        "Nicht angemeldet",
        "Der Aufruf trägt keinen gültigen Nachweis. Er wurde nicht weiter geprüft. Bitte mit einer frischen Client Assertion anmelden und das erhaltene Zugangstoken verwenden.",
    ),
    ProblemType(
        "wrong-token-type",
        401,
        "This is not an access token",
        "What was sent as an access token is a token of another kind. It opens nothing here. Get an access token from the token endpoint.",
        "Das ist kein Zugangstoken",
        "Als Zugangstoken wurde ein Token anderer Art gesendet. Es öffnet hier nichts. Bitte am Token-Endpunkt ein Zugangstoken holen.",
    ),
    ProblemType(
        "sender-binding-required",
        401,
        "The token is bound to its sender",
        "The access token is bound to a key, and the call did not prove possession of it. The token may be in wrong hands. Send the proof, or sign in again.",
        "Das Token ist an seinen Absender gebunden",
        "Das Zugangstoken ist an einen Schlüssel gebunden, dessen Besitz nicht nachgewiesen wurde. Es könnte in falschen Händen sein. Bitte den Nachweis mitsenden oder neu anmelden.",
    ),
    ProblemType(
        "forbidden",
        403,
        "This credential may not do that",
        "The credential is valid but not made for this call: agencies exchange, persons give and withdraw permissions. Nothing was done. Use the other credential.",
        "Dieser Nachweis erlaubt das nicht",
        "Der Nachweis ist gültig, aber nicht für diesen Aufruf: Behörden tauschen aus, Personen erteilen und widerrufen. Es ist nichts geschehen. Bitte den anderen Nachweis verwenden.",
    ),
    ProblemType(
        "not-your-agency",
        403,
        "That is not your agency",
        "The evaluation speaks for another agency than the one that signed in. Nothing was evaluated. Name your own agency as the subject, or sign in as the other one.",
        "Das ist nicht Ihre Stelle",
        "Die Anfrage spricht für eine andere Stelle als die angemeldete. Es wurde nichts ausgewertet. Bitte die eigene Stelle als Subjekt nennen oder als die andere anmelden.",
    ),
    ProblemType(
        "not-found",
        404,
        "Not found",
        "There is nothing here for you. It may not exist, or it may belong to someone else; the answer is the same. Check the address.",
        "Nicht gefunden",
        "Hier ist nichts für Sie. Es gibt es nicht oder es gehört jemand anderem; die Antwort ist dieselbe. Bitte die Adresse prüfen.",
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "This method is not offered here",
        "The address exists but does not take this HTTP method. Nothing was done. The Allow header names the methods.",
        "Diese Methode gibt es hier nicht",
        "Die Adresse gibt es, aber nicht mit dieser HTTP-Methode. Es ist nichts geschehen. Die Kopfzeile Allow nennt die Methoden.",
    ),
    ProblemType(
        "replayed",
        409,
        "This was sent before",
        "The same single-use message has already been used. Nothing was done a second time. Make a new one with a new nonce.",
        "Das wurde schon gesendet",
        "Dieselbe Nachricht zur einmaligen Verwendung wurde schon benutzt. Es ist nichts ein zweites Mal geschehen. Bitte eine neue mit neuer Zufallszahl erstellen.",
    ),
    ProblemType(
        "expired",
        400,
        "This is no longer valid",
        "The time in which the message was valid has passed. Nothing was done. Check your clock and send a new one.",
        "Das gilt nicht mehr",
        "Die Gültigkeit der Nachricht ist abgelaufen. Es ist nichts geschehen. Bitte die Uhr prüfen und eine neue senden.",
    ),
    ProblemType(
        "statement-invalid",
        400,
        "The signed statement is not accepted",
        "The statement's signature, its parts or its match with the caller did not verify. Nothing was decided. Sign a new one with the agency's active key.",
        "Die signierte Erklärung wird nicht angenommen",
        "Signatur, Inhalt oder Absender der Erklärung haben die Prüfung nicht bestanden. Es wurde nichts entschieden. Bitte mit dem aktiven Schlüssel der Behörde neu signieren.",
    ),
    ProblemType(
        "no-agreement",
        403,
        "No agreement is in force",
        "The two agencies have no agreement in force for this purpose. No exchange can take place, whoever it is about. The agreement must enter the signed agency list first.",
        "Es gilt keine Vereinbarung",
        "Für diesen Zweck gilt zwischen den beiden Stellen keine Vereinbarung. Ein Austausch ist nicht möglich, gleich um wen es geht. Die Vereinbarung muss zuerst in die signierte Behördenliste.",
    ),
    ProblemType(
        "unknown-agency",
        422,
        "The other agency is not in the list",
        "The agency list in force does not have the other agency, or not the key that is needed. Nothing was done. Fetch the newest list and choose an agency from it.",
        "Die andere Stelle steht nicht in der Liste",
        "Die geltende Behördenliste enthält die andere Stelle oder den nötigen Schlüssel nicht. Es ist nichts geschehen. Bitte die neueste Liste holen und daraus wählen.",
    ),
    ProblemType(
        "holder-unreachable",
        504,
        "The holding agency did not answer",
        "The other agency's connector did not answer in time. No data left it through this call. Try again later, or use the way without Lotse.",
        "Die andere Stelle hat nicht geantwortet",
        "Der Konnektor der anderen Stelle hat nicht rechtzeitig geantwortet. Durch diesen Aufruf sind keine Daten geflossen. Bitte später erneut oder den Weg ohne Lotse nehmen.",
    ),
    ProblemType(
        "holder-rejected",
        502,
        "The holding agency's answer is not acceptable",
        "What the other agency's connector answered did not verify. It was thrown away unread and recorded. Tell the operator; asking again at once will not help.",
        "Die Antwort der anderen Stelle ist nicht verwendbar",
        "Die Antwort des anderen Konnektors hat die Prüfung nicht bestanden. Sie wurde ungelesen verworfen und protokolliert. Bitte den Betrieb verständigen; sofortiges Wiederholen hilft nicht.",
    ),
    ProblemType(
        "policy-unavailable",
        503,
        "The rules cannot be evaluated",
        "The rules could not be evaluated. Without a decision nothing is exchanged. Try again later, or use the way without Lotse.",
        "Die Regeln sind nicht auswertbar",
        "Die Regeln konnten nicht ausgewertet werden. Ohne Entscheidung gibt es keinen Austausch. Bitte später erneut oder den Weg ohne Lotse nehmen.",
    ),
    ProblemType(
        "log-unavailable",
        503,
        "The log cannot be written",
        "The event could not be recorded durably. Without a record nothing is exchanged. Try again later, or use the way without Lotse.",
        "Das Protokoll ist nicht beschreibbar",
        "Der Vorgang konnte nicht dauerhaft protokolliert werden. Ohne Protokoll gibt es keinen Austausch. Bitte später erneut oder den Weg ohne Lotse nehmen.",
    ),
    ProblemType(
        "agency-list-expired",
        503,
        "The agency list has expired",
        "The signed list of agencies and keys is past its date. Nobody can be trusted until a newer one is there. The body that signs the list must publish it.",
        "Die Behördenliste ist abgelaufen",
        "Die signierte Liste der Stellen und Schlüssel ist abgelaufen. Bis eine neuere vorliegt, kann niemandem vertraut werden. Die signierende Stelle muss sie veröffentlichen.",
    ),
    ProblemType(
        "link-check-failed",
        409,
        "The link was not made",
        "What the two agencies hold does not fit together, so nothing was linked. The code is spent or one try poorer. Check the identity document and start again.",
        "Die Verknüpfung wurde nicht hergestellt",
        "Die Angaben der beiden Stellen passen nicht zusammen, daher wurde nichts verknüpft. Der Code ist verbraucht oder um einen Versuch ärmer. Bitte den Ausweis prüfen und neu beginnen.",
    ),
    ProblemType(
        "link-code-unknown",
        404,
        "This code is not valid",
        "There is no such code, or its time or its tries are used up. Nothing was linked. Ask for a new code.",
        "Dieser Code gilt nicht",
        "Diesen Code gibt es nicht, oder seine Zeit oder seine Versuche sind aufgebraucht. Es wurde nichts verknüpft. Bitte einen neuen Code anfordern.",
    ),
    ProblemType(
        "permission-not-allowed",
        422,
        "This permission cannot be given",
        "The permission goes beyond what can be permitted for this purpose. Nothing was recorded and nothing is shared. Choose from what the catalogue offers.",
        "Diese Erlaubnis ist nicht möglich",
        "Die Erlaubnis geht über das hinaus, was für diesen Zweck erlaubt werden kann. Es wurde nichts gespeichert und nichts geteilt. Bitte aus dem Katalog wählen.",
    ),
    ProblemType(
        "permission-unknown",
        404,
        "There is no such permission",
        "No permission of yours has this number. Nothing was changed. Look at your list of permissions.",
        "Diese Erlaubnis gibt es nicht",
        "Keine Ihrer Erlaubnisse hat diese Nummer. Es wurde nichts geändert. Bitte in der Liste Ihrer Erlaubnisse nachsehen.",
    ),
    ProblemType(
        "exchange-closed",
        409,
        "This exchange has ended",
        "The exchange was answered, refused, aborted or has run out of time. Nothing more happens in it. Start a new one if the facts are still needed.",
        "Dieser Austausch ist beendet",
        "Der Austausch wurde beantwortet, abgelehnt, abgebrochen oder ist abgelaufen. In ihm geschieht nichts mehr. Bitte einen neuen beginnen, wenn die Angaben noch nötig sind.",
    ),
    ProblemType(
        "too-early",
        409,
        "This cannot be done yet",
        "The exchange has not reached the step that this call needs. Nothing was done. Ask for its status and call again when it has.",
        "Das geht noch nicht",
        "Der Austausch hat den nötigen Schritt noch nicht erreicht. Es ist nichts geschehen. Bitte den Stand abfragen und danach erneut aufrufen.",
    ),
    ProblemType(
        "internal",
        500,
        "Something went wrong inside",
        "The gateway made a mistake and stopped. Nothing was released that is not in the log. Tell the operator the request id.",
        "Innen ist etwas schiefgegangen",
        "Das Gateway hat einen Fehler gemacht und angehalten. Es wurde nichts freigegeben, das nicht im Protokoll steht. Bitte dem Betrieb die Anfragenummer nennen.",
    ),
)

TABLE: Final[dict[str, ProblemType]] = {row.code: row for row in _ROWS}
"""Code to type, in the order of the call's way through the gateway."""
