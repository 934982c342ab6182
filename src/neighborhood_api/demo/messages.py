"""Templates of WeChat messages as a mini-program's console might have them."""

from neighborhood_api.settings import MessageTemplate

TEMPLATES = {
    "bookings": MessageTemplate(
        template_id="demo-bookings",
        name="预约和报名变化",
        fields={"thing1": "about", "thing2": "title", "time3": "at"},
    ),
    "reminders": MessageTemplate(
        template_id="demo-reminders",
        name="即将开始提醒",
        fields={"thing1": "about", "time2": "at", "thing3": "body"},
    ),
    "issues": MessageTemplate(
        template_id="demo-issues",
        name="诉求办理进展",
        fields={"thing1": "title", "thing2": "body", "time3": "at"},
    ),
    "residence": MessageTemplate(
        template_id="demo-residence",
        name="住址确认结果",
        fields={"thing1": "title", "thing2": "body", "time3": "at"},
    ),
}
KEYS = {one.template_id: tuple(one.fields) for one in TEMPLATES.values()}
"""What WeChat's stand-in is told of them."""
