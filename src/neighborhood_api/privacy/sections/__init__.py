"""What a copy of somebody's data is made of, domain by domain, under Chinese headings."""

from neighborhood_api.privacy.sections.accounts import ACCOUNT
from neighborhood_api.privacy.sections.issues import ISSUES
from neighborhood_api.privacy.sections.looks import LOOKS
from neighborhood_api.privacy.sections.messages import MESSAGES
from neighborhood_api.privacy.sections.shape import Section
from neighborhood_api.privacy.sections.venues import VENUES
from neighborhood_api.privacy.sections.work import WORK

__all__ = ["SECTIONS", "Section"]

SECTIONS = (*ACCOUNT, *ISSUES, *VENUES, *MESSAGES, *LOOKS, *WORK)
