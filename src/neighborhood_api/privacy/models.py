"""Tables of what people may ask about their data: consents, copies, corrections, erasure."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.places import Placed, place_indexes
from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import Sealed, sealed_only


class ConsentDocument(Model):
    """One version of a text that people are asked to agree to; never changed."""

    __tablename__ = "consent_document"
    __table_args__ = (
        UniqueConstraint("kind", "version", name="uq_consent_document_version"),
        UniqueConstraint("kind", "effective_from", name="uq_consent_document_effective"),
        CheckConstraint("text <> ''", name="consent_is_to_a_text"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    kind: Mapped[str]
    """What is agreed to, e.g. privacy_policy; each kind is agreed to by itself."""
    version: Mapped[str]
    """What the office calls it, e.g. 2026-12-01."""
    title: Mapped[str]
    text: Mapped[str]
    needed: Mapped[bool]
    """Whether the mini-program asks at sign-in; what is not needed is never begged for."""
    effective_from: Mapped[datetime]
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))


class Consent(Model):
    """Somebody agreed to one version of a text, and perhaps took that back."""

    __tablename__ = "consent"
    __table_args__ = (
        Index(
            "uq_consent_live",
            "person_id",
            "kind",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_consent_person", "person_id", "id"),
        Index("ix_consent_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
        CheckConstraint("withdrawn <= (ended_at IS NOT NULL)", name="withdrawn_is_ended"),
        CheckConstraint("agreed_at IS NOT NULL OR withdrawn", name="something_was_said"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    document_id: Mapped[UUID] = mapped_column(ForeignKey("consent_document.id"))
    kind: Mapped[str]
    agreed_at: Mapped[datetime | None]
    """None when she declined it without having agreed before."""
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it was withdrawn or declined, or another version took its place."""
    withdrawn: Mapped[bool] = mapped_column(default=False)
    """Whether her last word on that version is no."""


class DataExport(Model):
    """A copy of everything about a person, made for herself."""

    __tablename__ = "data_export"
    __table_args__ = (
        Index(
            "uq_data_export_under_way",
            "person_id",
            unique=True,
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_data_export_person", "person_id", "id"),
        Index(
            "ix_data_export_stored",
            "requested_at",
            postgresql_where=text("storage_key IS NOT NULL"),
        ),
        CheckConstraint("state IN ('queued', 'done', 'failed')", name="state_known"),
        CheckConstraint("(state = 'done') = (expires_at IS NOT NULL)", name="done_expires"),
        CheckConstraint("(storage_key IS NULL) = (secret IS NULL)", name="files_have_a_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    requested_at: Mapped[datetime]
    storage_key: Mapped[str | None]
    """Where both files lie, or will lie; None when they were deleted."""
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Key of both files: without it, what lies in the store or a backup tells nothing."""
    state: Mapped[str] = mapped_column(default="queued")
    expires_at: Mapped[datetime | None] = mapped_column(default=None)


class Correction(Placed, Model):
    """Somebody says that what is kept about her is wrong, where she cannot change it."""

    __tablename__ = "correction"
    __table_args__ = (
        *place_indexes("correction"),
        Index("ix_correction_person", "person_id", "id"),
        CheckConstraint("about IN ('register', 'address', 'issue', 'other')", name="about"),
        CheckConstraint("wish IN ('correct', 'delete')", name="wish_known"),
        CheckConstraint("(answered_at IS NULL) = (granted IS NULL)", name="answered_whole"),
        CheckConstraint("(answered_at IS NULL) = (answer IS NULL)", name="answered_with_words"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    about: Mapped[str]
    wish: Mapped[str]
    text: Mapped[str]
    """What is wrong and what is right, in her words."""
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """By when it must be answered."""
    granted: Mapped[bool | None] = mapped_column(default=None)
    answer: Mapped[str | None] = mapped_column(default=None)
    """What was done, or why it was not."""
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)


class ErasureState(StrEnum):
    """How far an erasure is."""

    COOLING = "cooling"
    """She may still take it back."""
    WITHDRAWN = "withdrawn"
    DONE = "done"


class Erasure(Model):
    """Somebody wants her account cancelled and her data erased (注销)."""

    __tablename__ = "erasure"
    __table_args__ = (
        Index(
            "uq_erasure_under_way",
            "person_id",
            unique=True,
            postgresql_where=text("state = 'cooling'"),
        ),
        Index("ix_erasure_person", "person_id", "id"),
        Index("ix_erasure_due", "due_at", postgresql_where=text("state = 'cooling'")),
        CheckConstraint("state IN ('cooling', 'withdrawn', 'done')", name="state_known"),
        CheckConstraint("(state = 'cooling') = (ended_at IS NULL)", name="ended"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    requested_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """Until then she may take it back; from then on it is done."""
    state: Mapped[str] = mapped_column(default=ErasureState.COOLING.value)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    hindered_by: Mapped[str | None] = mapped_column(default=None)
    """The code of what kept it from being done when it was due; tried again every day."""


class Scrubbing(Model):
    """What must still be taken out of free texts after somebody was erased; gone when done."""

    __tablename__ = "scrubbing"
    __table_args__ = (sealed_only("sought"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    asked_at: Mapped[datetime]
    sought: Mapped[str] = mapped_column(Sealed("sought"))
    """JSON, see `scrubbing.Sought`: what it looks for is what nobody may keep in clear."""


audited(ConsentDocument, "kind", "version", "title")
