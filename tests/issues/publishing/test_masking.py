"""Numbers by which somebody is reached or known do not reach the public."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neighborhood_api.issues.publishing.masking import (
    Personal,
    find_personal,
    mask_personal,
)

PLAIN = [
    ("请打13812345678找我", "请打138******78找我"),
    ("电话 138-1234-5678。", "电话 138-****-**78。"),
    ("电话１３８１２３４５６７８", "电话１３８******７８"),
    ("电话138 1234 5678或+8613912345678", "电话138 **** **78或+86139******78"),
    ("打0752-6621234投诉", "打0752-*****34投诉"),
    ("打(0752)66212345投诉", "打(0752)6*****45投诉"),
    ("身份证11010519491231002X的人", "身份证110*************2X的人"),
    ("身份证 110105 19491231 002X", "身份证 110*** ******** **2X"),
    ("车牌粤L·A1234挡路", "车牌粤L·A***4挡路"),
    ("粤LD12345新能源车", "粤LD****5新能源车"),
    ("粤Ｌ１２３４５占道", "粤Ｌ１***５占道"),
    ("卡号6222 0212 0101 0000 068", "卡号622* **** **** **** *68"),
    ("邮箱zhang.san@example.com", "邮箱z****.***@*******.***"),
    ("加微信：zhangsan_99联系", "加微信：z*******_**联系"),
]


@pytest.mark.parametrize(("text", "masked"), PLAIN)
def test_a_number_is_masked_where_it_stands(text: str, masked: str) -> None:
    assert mask_personal(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "3栋2单元402室漏水两天",
        "编号LY261122-0042",
        "2026年11月22日上午9点30分",
        "订单20261122093015001没有送到",
        "长度123456789012345678毫米",
        "每月物业费1280.50元",
        "限速30，夜间22:00-06:00",
        "拨打12345和110都没人来",
        "京东快递放在门口",
        "川流不息的车",
    ],
)
def test_other_numbers_stay_readable(text: str) -> None:
    assert find_personal(text) == []
    assert mask_personal(text) == text


def test_what_was_found_is_named_in_order() -> None:
    found = find_personal("车粤L12345，电话13812345678，证11010519491231002X")
    assert [finding.kind for finding in found] == [
        Personal.PLATE,
        Personal.MOBILE,
        Personal.IDENTITY,
    ]


@given(
    before=st.text(alphabet="，。的在路灯 \n车停", max_size=20),
    after=st.text(alphabet="，。的在路灯 \n车停", max_size=20),
    digits=st.integers(min_value=3_000_000_000, max_value=9_999_999_999),
    gaps=st.lists(st.sampled_from(["", " ", "-"]), min_size=10, max_size=10),
)
def test_no_mobile_number_survives_however_it_is_written(
    before: str, after: str, digits: int, gaps: list[str]
) -> None:
    number = f"1{digits}"
    written = number[0] + "".join(
        gap + digit for gap, digit in zip(gaps, number[1:], strict=True)
    )
    masked = mask_personal(before + written + after)
    assert number not in re.sub(r"[ \-]", "", masked)
    assert masked.count("*") == 6
    assert len(masked) == len(before + written + after)


@given(st.text(max_size=200))
def test_masking_keeps_the_length_and_masks_nothing_twice(text: str) -> None:
    masked = mask_personal(text)
    assert len(masked) == len(text)
    assert mask_personal(masked) == masked
