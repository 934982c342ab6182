"""Rules of consent: to a text of one kind, in one version, taken back as easily as given.

No operation is refused because a text was not agreed to: what needs a consent, as a child's
registration does, asks for one of its own.
"""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.privacy.events import ConsentGiven, ConsentWithdrawn
from neighborhood_api.privacy.models import Consent, ConsentDocument
from neighborhood_api.privacy.schemas import ConsentDocumentIn


class ConsentDocumentNotFound(Problem):
    """The id names no text that anybody is or was asked to agree to."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such consent document"
    message = "没有找到这份文本，请刷新后重试"


class ConsentDocumentSuperseded(Problem):
    """A newer version is in force, or this one is not yet."""

    title = "Another version of this text is in force"
    message = "文本已更新，请阅读现行版本后再同意"


class ConsentVersionTaken(Problem):
    """The kind has such a version already, or one from that moment."""

    title = "There is such a version already"
    message = "这个版本号或生效时间已存在，请换一个"


class ConsentFromThePast(Problem):
    """Nobody can have been asked before the text was there."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "A text comes into force now or later"
    message = "生效时间不能早于现在"


class ConsentKindUnknown(Problem):
    """Nobody is asked to agree to a text of that kind."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no text of that kind in force"
    message = "没有这类文本，请刷新后重试"


@dataclass(frozen=True)
class Standing:
    """A text in force, or one that was agreed to, and what the person said to it."""

    document: ConsentDocument
    """The version in force; where the kind has none any more, the one agreed to."""
    consent: Consent | None
    """The last thing that she said to any version of the kind."""
    agreed_version: str | None

    @property
    def agreed(self) -> bool:
        """Whether she agrees to exactly this version."""
        given = self.consent
        return (
            given is not None
            and given.ended_at is None
            and given.document_id == self.document.id
        )

    @property
    def asked(self) -> bool:
        """Whether it is to be asked now: it is new to her, and she has not declined it."""
        declined = self.consent is not None and self.consent.withdrawn
        same = self.consent is not None and self.consent.document_id == self.document.id
        return not self.agreed and not (declined and same)


async def publish_document(
    tx: Tx, actor: Actor, wish: ConsentDocumentIn, *, now: datetime
) -> ConsentDocument:
    """Put a version of a text in force from a moment on; who agreed to another is asked again.

    Raises: Forbidden, ConsentFromThePast, ConsentVersionTaken.
    """
    actor.require_for_all(Permission.CONSENT_MANAGE)
    since = wish.effective_from or now
    if since < now:
        raise ConsentFromThePast
    document = ConsentDocument(
        kind=wish.kind,
        version=wish.version,
        title=wish.title,
        text=wish.text,
        needed=wish.needed,
        effective_from=since,
        made_at=now,
        made_by_id=actor.person_id,
    )
    tx.add(document)
    record_act(
        tx,
        "privacy.consent_document_published",
        document.id,
        by=actor.person_id,
        now=now,
        kind=document.kind,
        version=document.version,
    )
    taken = ("uq_consent_document_version", "uq_consent_document_effective")
    with refusing(dict.fromkeys(taken, ConsentVersionTaken)):
        await tx.flush()
    return document


def documents_in_force(now: datetime) -> Select[ConsentDocument]:
    """Select the version of each kind that holds now."""
    return (
        select(ConsentDocument)
        .ext(distinct_on(ConsentDocument.kind))
        .where(ConsentDocument.effective_from <= now)
        .order_by(ConsentDocument.kind, ConsentDocument.effective_from.desc())
    )


async def standings(tx: ReadTx, person_id: UUID, *, now: datetime) -> list[Standing]:
    """Return every text in force, with what a person said to it."""
    documents = (await tx.scalars(documents_in_force(now))).all()
    said = await tx.execute(
        select(Consent, ConsentDocument.version)
        .ext(distinct_on(Consent.kind))
        .join(ConsentDocument, ConsentDocument.id == Consent.document_id)
        .where(Consent.person_id == person_id)
        .order_by(Consent.kind, Consent.id.desc())
    )
    last = {consent.kind: (consent, version) for consent, version in said}
    shown = []
    for document in documents:
        consent, version = last.get(document.kind, (None, None))
        live = consent is not None and consent.ended_at is None
        shown.append(Standing(document, consent, version if live else None))
    return shown


async def agree_to(tx: Tx, actor: Actor, document_id: UUID, *, now: datetime) -> Consent:
    """Note that the caller agrees to the version in force; a repetition changes nothing.

    Raises: ConsentDocumentNotFound, ConsentDocumentSuperseded.
    Emits: ConsentGiven.
    """
    document = await tx.get(ConsentDocument, document_id)
    if document is None:
        raise ConsentDocumentNotFound
    of_kind = documents_in_force(now).where(ConsentDocument.kind == document.kind)
    in_force = (await tx.scalars(of_kind)).one_or_none()
    if in_force is None or in_force.id != document.id:
        raise ConsentDocumentSuperseded(
            document_id=None if in_force is None else str(in_force.id)
        )
    live = await _live(tx, actor.person_id, document.kind)
    if live is not None and live.document_id == document.id:
        return live
    if live is not None:
        live.ended_at = now
        await tx.flush()
    consent = Consent(
        person_id=actor.person_id, document_id=document.id, kind=document.kind, agreed_at=now
    )
    tx.add(consent)
    emit(
        tx,
        ConsentGiven(person_id=actor.person_id, document_id=document.id, kind=document.kind),
    )
    with refusing({"uq_consent_live": ConsentDocumentSuperseded}):  # agreed twice at once
        await tx.flush()
    return consent


async def withdraw_from(tx: Tx, actor: Actor, kind: str, *, now: datetime) -> None:
    """Note that the caller does not agree to a kind of text, or no longer; once is enough.

    Raises: ConsentKindUnknown.
    Emits: ConsentWithdrawn.
    """
    said = await _live(tx, actor.person_id, kind)
    if said is None:
        of_kind = documents_in_force(now).where(ConsentDocument.kind == kind)
        document = (await tx.scalars(of_kind)).one_or_none()
        if document is None:
            raise ConsentKindUnknown
        declined = select(Consent.id).where(
            Consent.person_id == actor.person_id,
            Consent.document_id == document.id,
            Consent.withdrawn,
        )
        if await tx.scalar(declined.limit(1)) is not None:
            return
        said = Consent(
            person_id=actor.person_id, document_id=document.id, kind=kind, agreed_at=None
        )
        tx.add(said)
    said.ended_at = now
    said.withdrawn = True
    emit(
        tx,
        ConsentWithdrawn(person_id=actor.person_id, document_id=said.document_id, kind=kind),
    )
    await tx.flush()


async def _live(tx: Tx, person_id: UUID, kind: str) -> Consent | None:
    live = select(Consent).where(
        Consent.person_id == person_id, Consent.kind == kind, Consent.ended_at.is_(None)
    )
    found: Consent | None = await tx.scalar(live.with_for_update())
    return found
