"""Subscribe messages: one may be sent for each time that a user tapped "allow".

Source: WeChat server API, subscribeMessage.send.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from neighborhood_api.wechat.standin.refusals import Refusal

_CLOCK = r"([01]?\d|2[0-3]):[0-5]\d"
_DAY = r"\d{4}(-\d{1,2}-\d{1,2}|年\d{1,2}月\d{1,2}日)"
FORMS = {
    "thing": re.compile(r"[^\x00-\x1f\x7f]{1,20}"),
    "time": re.compile(rf"({_DAY} ?)?{_CLOCK}"),
    "date": re.compile(rf"{_DAY}( ?{_CLOCK})?"),
    "number": re.compile(r"[0-9.]{1,32}"),
    "character_string": re.compile(r"[\x21-\x7e]{1,32}"),
    "phrase": re.compile(r"[一-鿿]{1,5}"),
}
"""What each kind of value may look like, as far as it is documented."""


class PhoneSubscription(BaseModel):
    """A user taps "allow" for some templates in the window of wx.requestSubscribeMessage."""

    model_config = ConfigDict(extra="forbid")

    openid: str = Field(min_length=1)
    template_ids: list[str] = Field(min_length=1, max_length=3)


@dataclass(frozen=True)
class Received:
    """A message on a user's phone."""

    openid: str
    template_id: str
    values: dict[str, str]
    page: str | None
    received_at: float


class Messages:
    """What users agreed to, and what reached them."""

    def __init__(
        self,
        now: Callable[[], float],
        templates: Mapping[str, Collection[str]],
        pages: Collection[str] | None,
    ) -> None:
        """Start with the console's templates and their keys, and the published pages.

        Without `pages` every page exists.
        """
        self.received: list[Received] = []
        self._now = now
        self._templates = templates
        self._pages = pages
        self._allowed: Counter[tuple[str, str]] = Counter()

    def allow(self, openid: str, template_ids: Collection[str]) -> dict[str, str]:
        """Note a tap on "allow"; return what wx.requestSubscribeMessage would."""
        known = [one for one in template_ids if one in self._templates]
        for template_id in known:
            self._allowed[openid, template_id] += 1
        return {one: "accept" if one in known else "filter" for one in template_ids}

    def refuse(self, openid: str) -> None:
        """Note that a user has switched the program's messages off."""
        for openid_of, template_id in list(self._allowed):
            if openid_of == openid:
                del self._allowed[openid_of, template_id]

    def send(self, body: Mapping[str, object], *, met: bool) -> None:
        """Take a message to a user, `met` when the openid is one of this program.

        Raises: Refusal.
        """
        openid, template_id = str(body.get("touser") or ""), str(body.get("template_id") or "")
        if not openid or not met:
            raise Refusal(40003)
        if template_id not in self._templates:
            raise Refusal(40037)
        page = body.get("page")
        if not self.is_published(page):
            raise Refusal(41030)
        values = self._values(template_id, body.get("data"))
        if not self._allowed[openid, template_id]:
            raise Refusal(43101)
        self._allowed[openid, template_id] -= 1
        self.received.append(
            Received(openid, template_id, values, str(page) if page else None, self._now())
        )

    def is_published(self, page: object) -> bool:
        """Tell whether the mini-program has a page; the home page always is there."""
        if self._pages is None or not page:
            return True
        return str(page).split("?")[0] in self._pages

    def _values(self, template_id: str, data: object) -> dict[str, str]:
        keys = self._templates[template_id]
        values: dict[str, str] = {}
        for key in keys:
            given = data.get(key) if isinstance(data, dict) else None
            value = given.get("value") if isinstance(given, dict) else None
            if value is None or value == "":
                raise Refusal(47003, f"argument invalid! data.{key}.value is empty")
            form = FORMS.get(key.rstrip("0123456789"))
            if not isinstance(value, str) or (form and not form.fullmatch(value)):
                raise Refusal(47003, f"argument invalid! data.{key}.value invalid")
            values[key] = value
        return values
