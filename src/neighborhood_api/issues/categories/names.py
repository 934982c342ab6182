"""What the codes of rules are called."""

from neighborhood_api.issues.categories.models import Publicity, Urgency
from neighborhood_api.schedules.clocks import Clock

URGENCY_NAMES: dict[Urgency, str] = {
    Urgency.ORDINARY: "一般",
    Urgency.URGENT: "紧急",
    Urgency.EMERGENCY: "危急",
}
PUBLICITY_NAMES: dict[Publicity, str] = {
    Publicity.NEVER: "不公开",
    Publicity.MODERATED: "审核后公开",
    Publicity.AT_ONCE: "立即公开",
}
CLOCK_NAMES: dict[Clock, str] = {
    Clock.CALENDAR: "自然时间",
    Clock.WORKING_HOURS: "工作时",
    Clock.WORKING_DAYS: "工作日",
}
