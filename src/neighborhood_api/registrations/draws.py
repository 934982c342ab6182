"""Drawing seats by lot, so that anyone can recompute it."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model


class Draw(Model):
    """The lot of one resource: its seed is promised before anybody enters, and shown after."""

    __tablename__ = "draw"

    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"), primary_key=True)
    commitment: Mapped[str]
    """SHA-256 of the seed, hexadecimal: published from the beginning."""
    seed: Mapped[str]
    """Published when it is drawn."""
    drawn_at: Mapped[datetime | None] = mapped_column(default=None)


class Lot(NamedTuple):
    """A registration's place in the draw."""

    number: int
    """Of the registration: what stands on its code."""
    score: str
    """SHA-256 of `seed:number`, hexadecimal; the smallest comes first."""


def new_draw(resource_id: UUID) -> Draw:
    """Choose a seed and promise it."""
    seed = token_hex(32)
    return Draw(resource_id=resource_id, commitment=commitment_of(seed), seed=seed)


def commitment_of(seed: str) -> str:
    """Return what is published before the seed is."""
    return sha256(seed.encode()).hexdigest()


def in_drawn_order(seed: str, numbers: Iterable[int]) -> list[Lot]:
    """Put registrations, by their numbers, in the order of the draw."""
    lots = [Lot(n, sha256(f"{seed}:{n}".encode()).hexdigest()) for n in numbers]
    return sorted(lots, key=lambda lot: (lot.score, lot.number))
