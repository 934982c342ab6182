"""What an import would do with each row, and what is said about it."""

from dataclasses import dataclass, field
from enum import StrEnum

from neighborhood_api.imports.reading.tables import Kind


class Outcome(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAULT = "fault"


OUTCOME_NAMES = {
    Outcome.NEW: "新增",
    Outcome.CHANGED: "修改",
    Outcome.UNCHANGED: "不变",
    Outcome.FAULT: "有误",
}
KIND_NAMES = {
    Kind.NODES: "网格",
    Kind.ORGANIZATIONS: "部门",
    Kind.POSTS: "任职",
    Kind.HOUSEHOLDS: "住户",
    Kind.PEOPLE: "人员",
    Kind.ESTABLISHMENTS: "单位",
}
WARNING = "warning"


@dataclass(slots=True)
class Verdict:
    """What is found about one row while it is compared."""

    number: int
    """Of the row among all rows of the import."""
    kind: Kind
    outcome: Outcome = Outcome.UNCHANGED
    said: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of what it is about (an outcome, or a warning) and the words, in Chinese."""
    part: int = 0
    """Which of several things that one row says, such as one of the posts of its place."""
    about: str = ""
    """What it is about, before all that is said."""

    def _say(self, about: str, words: str) -> None:
        self.said.append((about, f"{self.about}：{words}" if self.about else words))

    def fault(self, words: str) -> None:
        """Say why the row cannot be taken."""
        self.outcome = Outcome.FAULT
        self._say(Outcome.FAULT.value, words)

    def warn(self, words: str) -> None:
        """Say what somebody should look at, though the row can be taken."""
        self._say(WARNING, words)

    def change(self, words: str) -> None:
        """Say what would be different."""
        if self.outcome is not Outcome.FAULT:
            self.outcome = Outcome.CHANGED
        self._say(Outcome.CHANGED.value, words)

    def add(self, words: str = "") -> None:
        """Note that the row is not there yet."""
        if self.outcome is not Outcome.FAULT:
            self.outcome = Outcome.NEW
        if words:
            self._say(Outcome.NEW.value, words)
