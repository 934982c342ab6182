"""The list of events: complete, true to the code, and without anything about persons."""

import re
from pathlib import Path
from typing import Any

import pytest

from neighborhood_api.cases.events import CaseMoved
from neighborhood_api.cases.workflow import Move
from neighborhood_api.cli.catalogue import all_events, catalogue, kind_of
from neighborhood_api.issues.announcements import ANNOUNCEMENTS
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.outbox import Event

PUBLISHED = Path(__file__).parents[1] / "docs" / "events.md"
CHINESE = re.compile(r"[一-鿿].*。$")
DOMAINS = (
    "cases|grid|identity|issues|privacy|registers|registrations|schedules|statistics|venues"
)
NAME = re.compile(rf"^({DOMAINS})\.[a-z_]+$")


def test_what_is_published_is_what_the_code_says() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == catalogue()


def test_every_name_is_an_event_of_its_own() -> None:
    names = [event.name for event in all_events()] + list(ISSUE.announced.values())
    assert len(names) == len(set(names))
    assert [name for name in names if not NAME.match(name)] == []
    listed = re.findall(r"`([a-z]+\.[a-z_]+)`(?: \||$)", catalogue(), re.MULTILINE)
    assert sorted(listed) == sorted(set(names) - {CaseMoved.name})


@pytest.mark.parametrize("event", all_events(), ids=lambda event: event.name)
def test_every_event_is_told_in_both_languages_and_carries_nothing_but_ids_and_figures(
    event: type[Event],
) -> None:
    assert CHINESE.search(event.chinese)
    assert event.__doc__ is not None
    assert event.__doc__.rstrip().endswith(".")
    assert event.model_fields
    for field in event.model_fields.values():
        assert kind_of(field.annotation, field)


def test_every_move_is_announced_and_told_in_both_languages() -> None:
    assert set(ANNOUNCEMENTS) == set(ISSUE.announced) == set(Move)
    for chinese, english in ANNOUNCEMENTS.values():
        assert CHINESE.search(chinese)
        assert english.endswith(".")


@pytest.mark.parametrize("words", [str, str | None, list[str], dict[str, Any], object])
def test_an_event_with_words_in_it_is_refused(words: Any) -> None:  # noqa: ANN401
    with pytest.raises(TypeError, match="must not carry"):
        kind_of(words)
