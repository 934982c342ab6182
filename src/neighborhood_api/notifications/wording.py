"""What a WeChat message says, in the forms that WeChat takes.

Source: WeChat server API, subscribeMessage.send, limits of the kinds of values.
"""

import re
from datetime import datetime

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.notifications.queries import Claimed
from neighborhood_api.settings import MessageTemplate

LONGEST_THING = 20
_FORMS = {"time": "%Y-%m-%d %H:%M", "date": "%Y-%m-%d"}


def data_of(message: Claimed, template: MessageTemplate) -> dict[str, dict[str, str]]:
    """Return the values of the template's keys, in forms that WeChat does not refuse."""
    moment = message.at or message.created_at
    words = {"title": message.title, "body": message.body, "about": message.about}
    return {
        key: {"value": _shown(moment, key) if value == "at" else _clipped(words[value])}
        for key, value in template.fields.items()
    }


def page_of(message: Claimed, template: MessageTemplate) -> str | None:
    """Return the page that opens when the message is tapped."""
    if template.page is None:
        return None
    return template.page.replace("{id}", str(message.subject_id or ""))


def _shown(moment: datetime, key: str) -> str:
    return moment.astimezone(SHOWN_ZONE).strftime(_FORMS[key.rstrip("0123456789")])


def _clipped(text: str) -> str:
    """Fit a text into a `thing`: one line of at most twenty signs, and never empty."""
    line = re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip() or "详情请打开小程序查看"
    return line if len(line) <= LONGEST_THING else line[: LONGEST_THING - 1] + "…"
