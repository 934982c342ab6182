"""Where the next page of a box begins that is ordered by deadlines."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from struct import Struct, error
from uuid import UUID

from neighborhood_api.issues.worklists.boxes import BY_DUE, Box
from neighborhood_api.issues.worklists.statements import Found
from neighborhood_api.kit.paging import END, BadCursor, PageRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = Struct(">q16s")
_MICROSECOND = timedelta(microseconds=1)
_BEFORE_ALL = UUID(int=0)


def start_of(box: Box | None, after: str | None, *, day_from: datetime) -> dict[str, object]:
    """Return the parameters that say where a page begins.

    What is due today begins with the day: its index would be read from the first of them on.

    Raises: BadCursor.
    """
    if box not in BY_DUE:
        return {"below": PageRequest(after=after).below if after else END}
    first = Found(_BEFORE_ALL, day_from if box is Box.DUE_TODAY else _EPOCH)
    last = _read(after) if after else first
    return {"after_due": last.due_at, "after_id": last.id}


def end_of(box: Box | None, last: Found) -> str:
    """Return the cursor of whatever follows `last`."""
    if box not in BY_DUE:
        return _written(last.id.bytes)
    due_at = last.due_at or _EPOCH
    return _written(_PLACE.pack((due_at - _EPOCH) // _MICROSECOND, last.id.bytes))


def _read(cursor: str) -> Found:
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        micros, last = _PLACE.unpack(content)
        found = Found(UUID(bytes=last), _EPOCH + micros * _MICROSECOND)
    except (ValueError, OverflowError, error) as exc:
        raise BadCursor from exc
    if _written(content) != cursor:  # Base64 is read leniently
        raise BadCursor
    return found


def _written(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
