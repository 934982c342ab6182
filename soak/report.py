"""What a scenario found."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

SHOWN = 20


@dataclass
class Report:
    """Figures of a run, and whatever was not as it must be."""

    name: str
    figures: dict[str, str | int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def require(self, what: str, violations: list[str]) -> None:
        """Note one check, and what it found."""
        self.figures[what] = "ok" if not violations else f"{len(violations)} violations"
        self.violations += [f"{what}: {one}" for one in violations]


def show(console: Console, report: Report) -> None:
    """Print a short table, and the first violations."""
    table = Table(title=report.name, title_justify="left", box=None, pad_edge=False)
    table.add_column("", style="dim")
    table.add_column("", justify="right")
    for name, value in report.figures.items():
        bad = isinstance(value, str) and value.endswith("violations")
        table.add_row(name, str(value), style="red" if bad else None)
    console.print(table)
    for violation in report.violations[:SHOWN]:
        console.print(violation, style="red", markup=False, highlight=False, soft_wrap=True)
    if len(report.violations) > SHOWN:
        console.print(f"... and {len(report.violations) - SHOWN} more", style="red")
