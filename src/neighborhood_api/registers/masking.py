"""How people are shown to who need not know all of them."""

from neighborhood_api.identity.service import masked

MOBILE_DIGITS = 11


def masked_name(name: str | None) -> str | None:
    """Return a name as lists show it: 王*, whatever its length."""
    return None if not name else f"{name[0]}*"


def masked_contact(number: str | None) -> str | None:
    """Return any number as lists show it: of a landline less than of a mobile phone."""
    if number is None or len(number) == MOBILE_DIGITS:
        return masked(number)
    return f"{number[:2]}****{number[-2:]}"
