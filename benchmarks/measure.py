"""What is compared with what, in alternating rounds."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import UUID

import httpx
import psycopg

from benchmarks.ground import Server, server
from benchmarks.load import LoadFailed, Sample, send
from benchmarks.population import CATEGORY, District, Resident, spread
from neighborhood_api.identity.keys import Keyring
from neighborhood_api.identity.tokens import Standing, Tokens
from neighborhood_api.kit.ids import new_id

CALLERS = 200
"""Different residents whose requests take turns, for reads and as many others for writes."""
WARM_UP_SECONDS = 1
API = "/api/v1"


@dataclass
class Variant:
    """One thing to measure."""

    name: str
    label: str
    path: str
    """`{}` is the caller's id."""
    served_by: str
    """product or bare."""
    writes: bool = False
    against: str | None = None
    """The variant that its speed is given as a ratio of."""
    aim: float | None = None
    samples: list[Sample] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers in a second, the median of all rounds."""
        return median(sample.per_second for sample in self.samples)


def variants() -> list[Variant]:
    """Return what is measured, each after what it is compared with."""
    return [
        Variant("bare_query", "bare ASGI, the query of GET /me/grid", "/grid/{}", "bare"),
        Variant(
            "me_grid", "GET /me/grid", "/me/grid", "product", against="bare_query", aim=0.45
        ),
        Variant(
            "me_issues",
            "GET /me/issues",
            "/me/issues",
            "product",
            against="bare_query",
            aim=0.45,
        ),
        Variant(
            "bare_inserts",
            "bare ASGI, the rows of POST /issues one by one",
            "/statements/{}",
            "bare",
            writes=True,
        ),
        Variant(
            "report_issue",
            "POST /issues",
            "/issues",
            "product",
            writes=True,
            against="bare_inserts",
            aim=0.6,
        ),
        Variant(
            "bare_one_statement",
            "bare ASGI, the same rows in one statement",
            "/together/{}",
            "bare",
            writes=True,
            against="bare_inserts",
        ),
    ]


@dataclass(frozen=True)
class Run:
    """How long and how often."""

    home: Path
    url: str
    district: District
    rounds: int
    seconds: float
    tell: Callable[[str], None]

    @property
    def readers(self) -> list[Resident]:
        """The residents who read."""
        return spread(self.district.reporters, CALLERS)

    @property
    def writers(self) -> list[Resident]:
        """The residents who write; others than those who read, whose lists stay as they are."""
        return spread(self.district.quiet, CALLERS)


def measure(run: Run) -> list[Variant]:
    """Measure everything in alternating rounds.

    Raises: LoadFailed, ServerFailed.
    """
    found = variants()
    with server("product", run.home, run.url) as product:
        sizes = _try_out(run, product)
        with server("bare", run.home, run.url, _for_bare(run, sizes)) as bare:
            servers = {"product": product, "bare": bare}
            for number in range(1, run.rounds + 1):
                requests = _requests(run, found)
                for variant in found:
                    run.tell(f"round {number} of {run.rounds}: {variant.label}")
                    _sample(run, variant, servers[variant.served_by], requests[variant.name])
    return found


def _sample(run: Run, variant: Variant, target: Server, requests: list[bytes]) -> None:
    send(target, requests, run.home, seconds=WARM_UP_SECONDS)
    before = _stored(run.url)
    sample = send(target, requests, run.home, seconds=run.seconds)
    if variant.writes and _stored(run.url) - before < sample.requests:
        raise LoadFailed(f"{variant.label}: fewer issues are stored than were acknowledged")
    variant.samples.append(sample)


def _stored(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM issue").fetchone()
    return 0 if row is None else int(row[0])


def _try_out(run: Run, product: Server) -> tuple[int, int]:
    """Make every request of the API once; return how long its answers are.

    The rows of these reports are what the bare application writes again.
    """
    tokens = _tokens(run)
    with httpx.Client(base_url=f"http://127.0.0.1:{product.port}{API}") as client:
        read = [_ask(client, "GET", "/me/grid", tokens[r.person_id]) for r in run.readers]
        mine = [_ask(client, "GET", "/me/issues", tokens[r.person_id]) for r in run.readers]
        written = [
            _ask(client, "POST", "/issues", tokens[w.person_id], _report(w))
            for w in run.writers
        ]
    if not all(json.loads(answer)["lane_chief"] for answer in read):
        raise LoadFailed("GET /me/grid showed no lane chief")
    if not all(json.loads(answer)["items"] for answer in mine):
        raise LoadFailed("GET /me/issues showed no issue")
    return round(median(map(len, read))), round(median(map(len, written)))


def _ask(
    client: httpx.Client, method: str, path: str, token: str, body: bytes | None = None
) -> bytes:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    headers["idempotency-key"] = new_id().hex
    answer = client.request(method, path, headers=headers, content=body)
    if answer.status_code != httpx.codes.OK:
        raise LoadFailed(f"{method} {path} was answered {answer.status_code}: {answer.text}")
    return answer.content


def _for_bare(run: Run, sizes: tuple[int, int]) -> dict[str, str]:
    """Tell the bare server what to read and write, and how long its answers are."""
    variables = {"BENCH_READ_BYTES": str(sizes[0]), "BENCH_WRITE_BYTES": str(sizes[1])}
    for name, people in (("readers", run.readers), ("writers", run.writers)):
        listed = run.home / name
        listed.write_text("\n".join(str(resident.person_id) for resident in people))
        variables[f"BENCH_{name.upper()}"] = str(listed)
    return variables


def _requests(run: Run, found: list[Variant]) -> dict[str, list[bytes]]:
    """Write out every variant's requests; the tokens are new, and good for 15 minutes."""
    tokens = _tokens(run)
    return {
        variant.name: [
            _request(variant, resident, tokens[resident.person_id])
            for resident in (run.writers if variant.writes else run.readers)
        ]
        for variant in found
    }


def _tokens(run: Run) -> dict[UUID, str]:
    tokens = Tokens(Keyring.from_folder(run.home / "keys"))
    now = datetime.now(UTC)
    return {
        r.person_id: tokens.make(r.person_id, new_id(), 0, Standing(residence=r.home), now)
        for r in (*run.readers, *run.writers)
    }


def _report(resident: Resident) -> bytes:
    body = {
        "category_code": CATEGORY,
        "text": "巷口垃圾桶满了两天没人清,有异味,路过的人都绕着走,请尽快处理。",
        "lane_id": str(resident.home.node_id),
        "location": "3号门口",
        "photo_ids": [],
        "anonymous": False,
    }
    return json.dumps(body, ensure_ascii=False).encode()


def _request(variant: Variant, resident: Resident, token: str) -> bytes:
    prefix = API if variant.served_by == "product" else ""
    body = _report(resident) if variant.writes else b""
    path = prefix + variant.path.format(resident.person_id)
    lines = [
        f"{'POST' if variant.writes else 'GET'} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json",
        "User-Agent: MicroMessenger/8.0 miniProgram",
        f"Authorization: Bearer {token}",
    ]
    if variant.writes:
        lines += [
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Idempotency-Key: {key}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + body
