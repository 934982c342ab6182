"""What came out, as a table and as a file."""

import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from rich.table import Table

from benchmarks.load import CONNECTIONS, Sample, generator_name
from benchmarks.measure import CALLERS, Run, Variant
from benchmarks.population import CHILDREN, ISSUES_EACH


@dataclass(frozen=True)
class Facts:
    """What the figures depend on."""

    values: dict[str, Any]

    @classmethod
    def of(cls, run: Run, flush_ms: float) -> "Facts":
        """Gather them; nothing that names the machine."""
        with psycopg.connect(run.url) as connection:
            settings = {
                name: (connection.execute(f"SHOW {name}").fetchone() or ("",))[0]
                for name in ("server_version", "fsync", "synchronous_commit")
            }
        return cls(
            {
                "measured_on": datetime.now(UTC).date().isoformat(),
                "machine": {
                    "cores": os.cpu_count(),
                    "system": f"{platform.system()} {platform.machine()}",
                    "python": platform.python_version(),
                    "postgresql": settings["server_version"],
                    "durable": settings["fsync"] == "on"
                    and settings["synchronous_commit"]
                    in {"on", "remote_apply", "remote_write"},
                    "flush_ms": flush_ms,
                },
                "load": {
                    "generator": generator_name(),
                    "connections": CONNECTIONS,
                    "callers": CALLERS,
                    "rounds": run.rounds,
                    "seconds": run.seconds,
                },
                "data": {
                    "residents": len(run.district.residents),
                    "issues": run.district.issues,
                    "issues_of_each_reader": ISSUES_EACH,
                    "children": list(CHILDREN),
                },
            }
        )


def ratios(variant: Variant, other: Variant, of: Callable[[Sample], float]) -> list[float]:
    """Compare two variants round by round, so that a slow minute counts for both."""
    pairs = zip(variant.samples, other.samples, strict=True)
    return [of(sample) / of(beside) for sample, beside in pairs]


def speed_ratio(variant: Variant, found: list[Variant]) -> float | None:
    """Return the speed as a ratio of what it is compared with, the median of the rounds."""
    if variant.against is None:
        return None
    other = next(v for v in found if v.name == variant.against)
    return median(ratios(variant, other, lambda sample: sample.per_second))


def table(found: list[Variant], title: str = "One worker; medians of the rounds") -> Table:
    """Lay the figures out."""
    made = Table(title=title)
    made.add_column("")
    for heading in ("req/s", "p50 ms", "p99 ms", "CPU µs", "ratio", "aim"):
        made.add_column(heading, justify="right", no_wrap=True)
    for variant in found:
        ratio = speed_ratio(variant, found)
        made.add_row(
            variant.label,
            f"{variant.per_second:,.0f}",
            f"{_median(variant, lambda sample: sample.p50_ms):.1f}",
            f"{_median(variant, lambda sample: sample.p99_ms):.1f}",
            _cpu(variant),
            "1.00" if ratio is None else f"{ratio:.2f}",
            _aim(variant, ratio),
        )
    made.caption = (
        "CPU: processor time of the server process for one request, without PostgreSQL's"
    )
    return made


def write(path: Path, facts: Facts, found: list[Variant]) -> None:
    """Write everything to `path`."""
    measured = {variant.name: figures(variant, found) for variant in found}
    text = json.dumps(facts.values | {"measured": measured}, ensure_ascii=False, indent=2)
    path.write_text(text + "\n")


def figures(variant: Variant, found: list[Variant]) -> dict[str, Any]:
    """Return the figures of a variant as they are kept."""
    speeds = [sample.per_second for sample in variant.samples]
    ratio = speed_ratio(variant, found)
    figures: dict[str, Any] = {
        "label": variant.label,
        "per_second": round(variant.per_second, 1),
        "per_second_spread": [round(min(speeds), 1), round(max(speeds), 1)],
        "p50_ms": round(_median(variant, lambda sample: sample.p50_ms), 2),
        "p99_ms": round(_median(variant, lambda sample: sample.p99_ms), 2),
        "cpu_micros_per_request": _rounded_cpu(variant),
    }
    if ratio is not None:
        figures |= {"ratio": round(ratio, 3), "ratio_to": variant.against}
    if ratio is not None and variant.aim is not None:
        figures |= {"aim": variant.aim, "reached": ratio >= variant.aim}
    return figures


def _median(variant: Variant, of: Callable[[Sample], float]) -> float:
    return median(map(of, variant.samples))


def _rounded_cpu(variant: Variant) -> int | None:
    known = [s.cpu_micros for s in variant.samples if s.cpu_micros is not None]
    return round(median(known)) if known else None


def _cpu(variant: Variant) -> str:
    micros = _rounded_cpu(variant)
    return "–" if micros is None else str(micros)


def _aim(variant: Variant, ratio: float | None) -> str:
    if variant.aim is None or ratio is None:
        return ""
    if ratio >= variant.aim:
        return f"[green]{variant.aim} reached[/green]"
    return f"[red]{variant.aim} missed[/red]"
