"""What offices write in one cell, and the one form in which it is taken."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neighborhood_api.imports.reading import values
from neighborhood_api.imports.reading.values import Broken, Dated, Numeric, Unclear

LONGEST = 100


def as_stored(value: str) -> str:
    return f"{type(value).__name__} {value!r}"


FULL_WIDTH = str.maketrans("0123456789-", "０１２３４５６７８９－")


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("13800138000", "13800138000"),
        ("138 0013 8000", "13800138000"),
        ("138-0013-8000", "13800138000"),
        ("+86 13800138000", "13800138000"),
        ("0086-13800138000", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("\t13800138000", "13800138000"),
        ('="13800138000"', "13800138000"),
        ("13800138000.0", "13800138000"),
        (Numeric("13800138000"), "13800138000"),
        (Numeric("1.3800138E10"), "13800138000"),
        ("07526622333", "0752-6622333"),
        ("0752-6622333", "0752-6622333"),
        ("0752—6622333", "0752-6622333"),
        ("（0752）6622333", "0752-6622333"),
        ("0752-6622333转801", "0752-6622333-801"),
        ("0752-6622333-801", "0752-6622333-801"),
        ("010-12345678", "010-12345678"),
        (Numeric("7526622333"), "0752-6622333"),
        (Numeric("1012345678"), "010-12345678"),
        (Numeric("2112345678"), "021-12345678"),
        ("400-800-1234", "4008001234"),
        ("6622333", "6622333"),
        ("12345", "12345"),
    ],
    ids=as_stored,
)
def test_a_phone_is_taken_in_one_form(written: str, taken: str) -> None:
    assert values.phone(values.clean(written, LONGEST)) == taken


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("1380013800", "手机号码应为 11 位，这里是 10 位"),
        ("138001380001", "手机号码应为 11 位，这里是 12 位"),
        ("1.38E+10", "后几位已经丢失"),
        ("13800138000/13900139000", "只能有一个号码"),
        ("13800138000、13900139000", "只能有一个号码"),
        ("没有电话", "只能有一个号码"),
        ("0752-662", "电话写法有误"),
        (Numeric("-5"), "后几位已经丢失"),
    ],
    ids=as_stored,
)
def test_a_phone_that_is_none_says_what_to_write(written: str, advice: str) -> None:
    with pytest.raises(Unclear, match=advice):
        values.phone(values.clean(written, LONGEST))


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("441322001001", "441322001001"),
        (" 4413 2200 1001 ", "441322001001"),
        ("４４１３２２００１００１", "441322001001"),
        ("441322001001.0", "441322001001"),
        ("4.41322001001E+11", "441322001001"),
        (Numeric("441322001001"), "441322001001"),
        (Numeric("441322001001.0"), "441322001001"),
        (Numeric("4.41322E+11"), "441322000000"),
        (Numeric("441322001001001"), "441322001001001"),
        ("ly-001", "LY-001"),
        ('="0441"', "0441"),
    ],
    ids=as_stored,
)
def test_a_code_is_taken_where_it_is_exact(written: str, taken: str) -> None:
    assert values.code(values.clean(written, LONGEST)) == taken


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("4.41322E+11", "后几位已经丢失"),
        (Numeric("4.4132200100100101E+17"), "后几位已经丢失"),
        (Numeric("1E999999999"), "后几位已经丢失"),
        (Numeric("NaN"), "后几位已经丢失"),
        (Numeric("sNaN"), "后几位已经丢失"),
        (Numeric("0.5"), "后几位已经丢失"),
        ("观华社区", "只能有数字、字母和短横线"),
    ],
    ids=as_stored,
)
def test_a_code_that_lost_its_end_is_never_guessed(written: str, advice: str) -> None:
    with pytest.raises(Unclear, match=advice):
        values.code(values.clean(written, LONGEST))


@given(st.integers(10**11, 10**15 - 1))
def test_every_code_that_a_spreadsheet_holds_exactly_comes_back(number: int) -> None:
    digits = str(number)

    assert values.code(Numeric(repr(float(number)))) == digits
    assert values.code(Numeric(digits)) == digits
    assert values.code(f"{digits[0]}.{digits[1:]}E+{len(digits) - 1}") == digits


@given(st.integers(10**11, 10**18 - 1), st.integers(1, 10))
def test_a_code_shown_with_fewer_digits_is_never_taken(number: int, shown: int) -> None:
    with pytest.raises(Unclear):
        values.code(f"{number:.{shown - 1}E}".replace("E+0", "E+"))


DAYS = st.dates(date(1900, 3, 1), date(2099, 12, 31))
WAYS: list[Callable[[date], str]] = [
    date.isoformat,
    lambda day: f"{day.year}年{day.month}月{day.day}日",
    lambda day: f"{day.year}年{day.month:02}月{day.day:02}号",
    lambda day: f"{day.year}.{day.month}.{day.day}",
    lambda day: f"{day.year}/{day.month:02}/{day.day:02}",
    lambda day: f"{day.year} 年 {day.month} 月 {day.day} 日",
    lambda day: f"{day.year}-{day.month}-{day.day} 00:00:00",
    lambda day: f"{day.year}-{day.month:02}-{day.day:02}T00:00:00",
    lambda day: day.isoformat().translate(FULL_WIDTH),
    lambda day: Dated(day.isoformat()),
    lambda day: Dated(f"{day} 08:30"),
    lambda day: Numeric((day - date(1899, 12, 30)).days),
    lambda day: Numeric(f"{(day - date(1899, 12, 30)).days}.25"),
]


@given(DAYS, st.sampled_from(WAYS))
def test_a_day_is_taken_however_it_is_written(day: date, way: Callable[[date], str]) -> None:
    assert values.day(values.clean(way(day), LONGEST)) == day.isoformat()


@given(DAYS)
def test_a_day_counted_from_1904_is_the_same_day(day: date) -> None:
    counted = (day - date(1904, 1, 1)) // timedelta(days=1)
    if counted >= 1:
        assert values.day(Numeric(counted), from_1904=True) == day.isoformat()


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("20240301", "2024-03-01"),
        (Numeric("20240301"), "2024-03-01"),
        ("45352", "2024-03-01"),
        ("二〇二四年三月一日", "2024-03-01"),
        ("二○二四年十二月三十一日", "2024-12-31"),
        (Numeric("1"), "1900-01-01"),
        (Numeric("59"), "1900-02-28"),
        (Numeric("61"), "1900-03-01"),
    ],
    ids=as_stored,
)
def test_a_day_in_rarer_forms_is_taken(written: str, taken: str) -> None:
    assert values.day(written) == taken


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("1960-03-05", "1960-03-05"),
        ("1960年3月", "1960-03-01"),
        ("1960.12", "1960-12-01"),
        ("196003", "1960-03-01"),
        ("1960年", "1960-01-01"),
        (Numeric("1960"), "1960-01-01"),
        (Numeric("22000"), "1960-03-25"),
    ],
    ids=as_stored,
)
def test_of_a_birth_the_month_or_the_year_is_enough(written: str, taken: str) -> None:
    assert values.birthday(written) == taken


def test_a_birth_in_a_month_that_is_none_is_refused() -> None:
    with pytest.raises(Unclear, match="没有这一天"):
        values.birthday("1960年13月")


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("2024-02-30", "没有这一天"),
        ("2024年3月", "缺少“日”"),
        ("24.3.1", "年份请写四位"),
        ("1824-03-01", "年份有误"),
        ("二〇二四年三十二月一日", "没有这一天"),
        ("去年", "写成 2024-03-01"),
        (Numeric("-1"), "写成 2024-03-01"),
        (Numeric("9999999999"), "写成 2024-03-01"),
        (Numeric("1E308"), "写成 2024-03-01"),
    ],
    ids=as_stored,
)
def test_a_day_that_is_none_says_what_to_write(written: str, advice: str) -> None:
    with pytest.raises(Unclear, match=advice):
        values.day(written)


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("　张三　", "张三"),
        ("３栋２单元５０１", "3栋2单元501"),
        ("Ａ座", "A座"),
        ("张\u200b三\ufeff", "张三"),
        ("第一\n网格", "第一 网格"),
        ("-", ""),
        ("——", ""),
        ("/", ""),
        ("'=1+1", "=1+1"),
        ("=1+1", "=1+1"),
        ("@张三", "@张三"),
        ("+86", "+86"),
        ("-1栋", "-1栋"),
        ("'名", "'名"),
    ],
    ids=as_stored,
)
def test_a_text_is_taken_without_what_nobody_meant(written: str, taken: str) -> None:
    assert values.clean(written, LONGEST) == taken


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("张\0三", "控制字符"),
        ("张\ud800", "控制字符"),
        ("长" * 101, "缩短到 100 字以内"),
        (Broken("#N/A"), "单元格显示 #N/A"),
        (Broken(), "公式没有算出结果"),
    ],
    ids=as_stored,
)
def test_a_text_that_cannot_be_kept_is_refused(written: str, advice: str) -> None:
    with pytest.raises(Unclear, match=advice):
        values.clean(written, LONGEST)


def test_a_door_that_became_a_day_is_refused() -> None:
    for written in (Dated("2024-03-02"), "3月2日", "2-Mar"):
        with pytest.raises(Unclear, match="变成了日期"):
            values.door(written)
    assert values.door("3 栋 2 单元") == "3栋2单元"
    assert values.door(Numeric("501.0")) == "501"


def test_a_padded_name_is_one_name() -> None:
    assert values.name("张 三") == "张三"
    assert values.name("Li Lei") == "Li Lei"


@pytest.mark.parametrize(
    ("written", "taken"),
    [("3", "3"), ("3人", "3"), (Numeric("3.0"), "3"), ("003", "3")],
    ids=as_stored,
)
def test_a_count_is_taken_without_its_word(written: str, taken: str) -> None:
    assert values.count(written) == taken


def test_a_count_that_is_no_whole_number_is_refused() -> None:
    for written in ("三人", "2.5", "-1", "3-4"):
        with pytest.raises(Unclear, match="只写数字"):
            values.count(written)


def test_degrees_are_taken_within_china_only() -> None:
    assert values.longitude("114.2896340") == "114.289634"
    assert values.longitude("东经114.289634°") == "114.289634"
    assert values.latitude(Numeric("23.172799")) == "23.172799"
    for written in ("23.17", "NaN", "sNaN", "Infinity", "1E400"):
        with pytest.raises(Unclear, match="经度"):
            values.longitude(written)


def test_a_credit_code_has_eighteen_letters_and_digits() -> None:
    assert values.credit_code("9144 1322 ma4u 12345x") == "91441322MA4U12345X"
    with pytest.raises(Unclear, match="18 位"):
        values.credit_code("91441322")
