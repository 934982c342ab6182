"""The table of the files domain."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class File(Model):
    """A stored image; its bytes lie in the store under `storage_key`."""

    __tablename__ = "file"
    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0 AND size_bytes > 0", name="not_empty"),
        Index("ix_file_unclaimed", "created_at", postgresql_where=text("claimed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    uploaded_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    media_type: Mapped[str]
    """image/jpeg or image/png: of what is stored, not of what was sent."""
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the stored bytes."""
    storage_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    thumbnail_key: Mapped[str | None] = mapped_column(default=None)
    """Set when the thumbnail is in the store."""
    claimed_at: Mapped[datetime | None] = mapped_column(default=None)
    """When something began to use it; whatever stays unclaimed is deleted after a day."""
