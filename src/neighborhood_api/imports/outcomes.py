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

    def fault(self, words: str) -> None:
        """Say why the row cannot be taken."""
        self.outcome = Outcome.FAULT
        self.said.append((Outcome.FAULT.value, words))

    def warn(self, words: str) -> None:
        """Say what somebody should look at, though the row can be taken."""
        self.said.append((WARNING, words))

    def change(self, words: str) -> None:
        """Say what would be different."""
        if self.outcome is not Outcome.FAULT:
            self.outcome = Outcome.CHANGED
        self.said.append((Outcome.CHANGED.value, words))

    def add(self, words: str = "") -> None:
        """Note that the row is not there yet."""
        if self.outcome is not Outcome.FAULT:
            self.outcome = Outcome.NEW
        if words:
            self.said.append((Outcome.NEW.value, words))
