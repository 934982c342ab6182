"""What is offered as the same thing, on sentences as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neighborhood_api.issues.together.likeness import LIKELY, likelihood, likeness_of_words

SAME = [
    ("巷口垃圾桶满了两天没人清", "垃圾桶满了好几天没人清理，有臭味"),
    ("3号门口路灯不亮，晚上看不见", "路灯坏了不亮，晚上很黑"),
    ("楼上装修噪音太大，中午也在施工", "中午装修施工噪音很大影响休息"),
    ("下水道堵塞，污水流到路面", "污水从下水道冒出来流到路上"),
    ("电动车停在楼道里充电", "楼道内有人给电动车充电"),
]
DIFFERENT = [
    ("巷口垃圾桶满了两天没人清", "有人在巷口摆摊占道"),
    ("3号门口路灯不亮，晚上看不见", "井盖松动，车压过去很响"),
    ("楼上装修噪音太大，中午也在施工", "广场舞音响太大"),
    ("电动车停在楼道里充电", "希望增加老年人活动场地"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_thing_in_one_lane_is_likely(one: str, other: str) -> None:
    words = likeness_of_words(one, other)
    near = likelihood(words, metres=None, same_lane=True, same_category=True)
    assert near >= LIKELY


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_matter_of_another_category_is_not(one: str, other: str) -> None:
    words = likeness_of_words(one, other)
    near = likelihood(words, metres=20.0, same_lane=True, same_category=False)
    assert near < LIKELY


def test_the_same_words_far_away_are_another_matter() -> None:
    words = likeness_of_words("路灯不亮", "东门的路灯坏了")
    far = likelihood(words, metres=900.0, same_lane=False, same_category=True)
    close = likelihood(words, metres=10.0, same_lane=False, same_category=True)
    assert far < LIKELY <= close


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_symmetric_and_within_bounds(one: str, other: str) -> None:
    there = likeness_of_words(one, other)
    assert there == likeness_of_words(other, one)
    assert 0.0 <= there <= 1.0


@given(st.text(alphabet="路灯垃圾桶满坏不亮", min_size=3, max_size=40))
def test_a_text_is_entirely_like_itself(text: str) -> None:
    assert likeness_of_words(text, text) == 1.0
