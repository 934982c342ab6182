"""Chinese sentences for what Pydantic finds wrong with a field."""

from collections.abc import Mapping
from typing import Any

_WRONG = "内容不符合要求"
_SENTENCES = {
    "missing": "必填",
    "extra_forbidden": "没有这一项，请检查名称",
    "string_too_short": "至少要 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_type": "应为文字",
    "string_unicode": "文字中有无法识别的字符",
    "string_pattern_mismatch": "格式不正确",
    "too_short": "至少要 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "应大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "less_than": "应小于 {lt}",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "int_parsing_size": "数字太大",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "finite_number": "应为有限的数字",
    "bool_parsing": "应为 true 或 false",
    "bool_type": "应为 true 或 false",
    "uuid_parsing": "编号格式不正确",
    "uuid_type": "编号格式不正确",
    "uuid_version": "编号格式不正确",
    "enum": "应为以下之一:{expected}",
    "literal_error": "应为以下之一:{expected}",
    "datetime_parsing": "时间格式应如 2026-11-22T10:00:00+08:00",
    "datetime_from_date_parsing": "时间格式应如 2026-11-22T10:00:00+08:00",
    "datetime_type": "时间格式应如 2026-11-22T10:00:00+08:00",
    "datetime_object_invalid": "时间格式应如 2026-11-22T10:00:00+08:00",
    "timezone_aware": "时间要带时区，如 2026-11-22T10:00:00+08:00",
    "date_parsing": "日期格式应如 2026-11-22",
    "date_from_datetime_parsing": "日期格式应如 2026-11-22",
    "date_from_datetime_inexact": "日期格式应如 2026-11-22",
    "date_type": "日期格式应如 2026-11-22",
    "time_parsing": "时刻格式应如 09:30",
    "time_type": "时刻格式应如 09:30",
    "list_type": "应为列表",
    "tuple_type": "应为列表",
    "set_type": "应为列表",
    "frozen_set_type": "应为列表",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为 JSON 对象，并以 Content-Type: application/json 提交",
    "json_invalid": "不是有效的 JSON",
    "none_required": "应为空",
}


def explain(error: Mapping[str, Any]) -> str:
    """Say in Chinese what is wrong, with the limits; unknown kinds get a general sentence.

    A validator of ours raises ValueError with a Chinese sentence, which is passed on.
    """
    if error["type"] == "value_error":
        said = str(error["ctx"]["error"])
        return _WRONG if said.isascii() else said  # the framework raises it, too, in English
    sentence = _SENTENCES.get(error["type"], _WRONG)
    return sentence.format_map(error.get("ctx") or {}) if "{" in sentence else sentence
