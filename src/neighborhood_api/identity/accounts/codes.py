"""One-time codes that are given on by hand: made, known by their digest, closed."""

import secrets
from datetime import datetime
from hashlib import sha256
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import delete, update

from neighborhood_api.identity.accounts.models import Invitation
from neighborhood_api.kit.db import Tx

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without I, L, O and U, which are read wrongly (Crockford's Base32)."""
_READ_AS = str.maketrans("ILO", "110")
_LENGTH = 12
"""Sixty bits: nobody meets one by guessing."""
_GROUP = 4


def new_code() -> str:
    """Make a code that can be read out and typed, e.g. `K7QM-2X9D-4HTR`."""
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    return "-".join(signs[n : n + _GROUP] for n in range(0, _LENGTH, _GROUP))


def digest_of(code: str) -> bytes:
    """Return what a code is known by, however it was typed."""
    plain = plain_of(code).translate(_READ_AS)
    return sha256(b"invitation " + plain.encode()).digest()


def plain_of(code: str) -> str:
    """Return the letters and digits of a code; Chinese keyboards type them in full width."""
    return "".join(sign for sign in normalize("NFKC", code).upper() if sign.isalnum())


async def close_invitation(tx: Tx, person_id: UUID, how: str, *, now: datetime) -> UUID | None:
    """Close the open invitation of a person, if she has one; return its id."""
    mine = update(Invitation).where(
        Invitation.person_id == person_id, Invitation.closed_at.is_(None)
    )
    closed = mine.values(closed_at=now, closed_how=how).returning(Invitation.id)
    found: UUID | None = await tx.scalar(closed)
    return found


async def forget_invitations(tx: Tx, *, before: datetime) -> None:
    """Delete the codes that were made so long ago; the audit trail keeps who made them."""
    await tx.execute(delete(Invitation).where(Invitation.made_at < before))
