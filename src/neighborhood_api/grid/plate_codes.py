"""What the QR code of a new lane's plate carries."""

from neighborhood_api.kit.ids import new_id


def new_plate_code() -> str:
    """Make the code of a lane's plate; it is unique, and a dozen signs long."""
    return f"P{new_id().hex[-11:].upper()}"
