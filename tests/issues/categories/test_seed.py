"""The categories and rules that the project brings along are complete and sound."""

import re
from collections import Counter

import pytest

from neighborhood_api.identity.places import Level
from neighborhood_api.issues.categories.breaches import breaches
from neighborhood_api.issues.categories.models import Evidence, Publicity, Urgency
from neighborhood_api.issues.categories.seed import category_seeds, rule_seeds
from neighborhood_api.schedules.clocks import Clock

SEEDS = category_seeds()


@pytest.mark.parametrize("key", sorted(rule_seeds()))
def test_every_rule_works_everywhere_and_says_why(key: str) -> None:
    rule, reason = rule_seeds()[key]
    assert list(breaches(rule, None)) == []
    assert list(breaches(rule, Level.DISTRICT)) == []
    assert len(reason) >= 8
    assert rule.department_ids == []


def test_every_category_has_a_rule_and_every_rule_a_category() -> None:
    assert {seed.rule for seed in SEEDS} == set(rule_seeds())


def test_categories_stand_in_groups_that_can_be_looked_over() -> None:
    assert [code for code, n in Counter(seed.code for seed in SEEDS).items() if n > 1] == []
    groups: dict[str, set[str]] = {}
    for seed in SEEDS:
        groups.setdefault(seed.group_code, set()).add(seed.group_name)
    assert all(len(names) == 1 for names in groups.values())
    assert len({name for names in groups.values() for name in names}) == len(groups)
    assert 14 <= len(groups) <= 18
    assert 60 <= len(SEEDS) <= 80
    assert max(Counter(seed.group_code for seed in SEEDS).values()) <= 12
    order = [seed.group_code for seed in SEEDS]
    assert order == sorted(order, key=order.index)
    assert SEEDS[-1].code == "other.other"


def test_categories_are_told_apart_by_how_people_say_it() -> None:
    said = Counter(alias for seed in SEEDS for alias in {seed.name, *seed.aliases})
    assert [alias for alias, n in said.items() if n > 1] == []
    for seed in SEEDS:
        assert 1 <= len(seed.name) <= 20
        assert 4 <= len(seed.hint) <= 100
        assert len(seed.aliases) <= 60
        assert all(1 <= len(alias) <= 20 and alias == alias.strip() for alias in seed.aliases)


def test_every_category_names_its_leaf_of_the_standard() -> None:
    """The names were compared with the standard's table; one code cannot have two."""
    names: dict[str, set[str]] = {}
    for seed in SEEDS:
        assert re.fullmatch(r"(0[1-9]|1[0-3]|99)\d{4}", seed.standard_code)
        assert seed.standard_name
        names.setdefault(seed.standard_code, set()).add(seed.standard_name)
    assert [code for code, spelt in names.items() if len(spelt) > 1] == []


def test_danger_to_people_is_made_safe_within_two_hours_day_and_night() -> None:
    codes = {seed.code for seed in SEEDS if seed.rule == "danger"}
    assert {"facility.manhole", "utility.gas", "safety.wire", "safety.building"} <= codes
    rule, _ = rule_seeds()["danger"]
    assert (rule.urgency, rule.resolve.clock, rule.resolve.amount) == (
        Urgency.EMERGENCY,
        Clock.CALENDAR,
        120,
    )
    assert rule.verification
    assert rule.returns_allowed == 0
    assert Evidence.PHOTO_AFTER in rule.evidence


def test_reports_on_persons_are_confidential_and_handled_above_the_lane() -> None:
    rules = rule_seeds()
    staff = [seed for seed in SEEDS if seed.group_code == "staff"]
    assert staff
    for seed in staff:
        rule, _ = rules[seed.rule]
        assert rule.confidential
        assert rule.publicity is Publicity.NEVER
        assert rule.first_level is Level.STREET


def test_what_touches_a_household_or_a_person_is_never_public() -> None:
    rules = rule_seeds()
    for code in ("home.dispute", "home.violence", "care.elder", "care.mind", "labour.wages"):
        seed = next(seed for seed in SEEDS if seed.code == code)
        assert rules[seed.rule][0].publicity is Publicity.NEVER, code
