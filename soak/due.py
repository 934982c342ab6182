"""Deadlines that are brought forward, and what was done about each.

Limits are days away, so the moment itself is changed in the database, and every moment that
was is written down beside it, to be compared with what was done.
"""

from soak.ground import Ground

SWEEPS = (
    "issues.pass_up_unanswered",
    "issues.lapse_offers",
    "issues.resume_suspended",
    "issues.close_silent",
    "issues.miss_check_ins",
    "issues.miss_orders",
    "issues.raise_warnings",
    "worker.seal_trail",
)

_TABLES = """
CREATE TABLE soak_plot (case_id uuid PRIMARY KEY, plot text NOT NULL);
CREATE TABLE soak_due (
    case_id uuid NOT NULL, what text NOT NULL, subject_id uuid,
    noted_at timestamptz NOT NULL DEFAULT now());
CREATE VIEW soak_done AS
    SELECT e.case_id, CASE e.move
            WHEN 'escalate' THEN 'pass_up' WHEN 'alarm' THEN 'pass_up' ELSE e.move END AS what,
        (e.detail->>'call_id')::uuid AS subject_id
    FROM case_entry AS e WHERE e.by = 'system'
    UNION ALL
    SELECT w.case_id, w.colour, w.timer_id FROM issue_warning AS w;
"""
_FORWARD = (
    """
    WITH due AS (
        UPDATE case_file AS c SET pass_up_at = now() - interval '1 second' FROM soak_plot AS p
        WHERE p.case_id = c.id AND p.plot = 'unanswered' AND c.pass_up_at > now()
        RETURNING c.id)
    INSERT INTO soak_due SELECT id, 'pass_up' FROM due
    """,
    """
    WITH due AS (
        UPDATE case_file AS c SET close_at = now() - interval '1 second' FROM soak_plot AS p
        WHERE p.case_id = c.id AND p.plot = 'silent' AND c.close_at > now()
        RETURNING c.id)
    INSERT INTO soak_due SELECT id, 'close' FROM due
    """,
    """
    WITH due AS (
        UPDATE case_file AS c SET resume_at = now() - interval '1 second' FROM soak_plot AS p
        WHERE p.case_id = c.id AND c.resume_at > now()
        RETURNING c.id)
    INSERT INTO soak_due SELECT id, 'resume' FROM due
    """,
    """
    WITH due AS (
        UPDATE case_offer AS o SET answer_by = now() - interval '1 second' FROM soak_plot AS p
        WHERE p.case_id = o.case_id AND o.answered_at IS NULL AND o.answer_by > now()
        RETURNING o.case_id)
    INSERT INTO soak_due SELECT case_id, 'lapse' FROM due
    """,
    """
    WITH due AS (
        UPDATE case_call AS c SET check_in_by = now() - interval '1 second' FROM soak_plot AS p
        WHERE p.case_id = c.case_id AND c.missed_at IS NULL AND c.check_in_by > now()
        RETURNING c.case_id, c.id)
    INSERT INTO soak_due SELECT case_id, 'miss_check_in', id FROM due
    """,
    """
    WITH due AS (
        UPDATE case_timer AS t SET yellow_at = now() - interval '1 second' FROM soak_plot AS p
        WHERE p.case_id = t.case_id AND t.stopped_at IS NULL AND t.yellow_shown_at IS NULL
            AND t.yellow_at > now()
            AND p.plot IN ('warned', 'whistled', 'ordered', 'badly_rated', 'unverified')
        RETURNING t.case_id, t.id)
    INSERT INTO soak_due SELECT case_id, 'yellow', id FROM due
    """,
    """
    WITH due AS (
        UPDATE case_timer AS t SET due_at = now() - interval '1 second' FROM soak_plot AS p
        WHERE p.case_id = t.case_id AND t.stopped_at IS NULL AND t.due_at > now()
            AND t.yellow_shown_at IS NOT NULL AND t.red_shown_at IS NULL
        RETURNING t.case_id, t.id, t.purpose)
    INSERT INTO soak_due SELECT case_id, 'red', id FROM due
    UNION ALL SELECT case_id, 'miss_order', NULL FROM due WHERE purpose = 'order'
    """,
    """
    INSERT INTO soak_due SELECT p.case_id, 'follow' FROM soak_plot AS p
    WHERE p.plot = 'merged' AND NOT EXISTS (
        SELECT FROM soak_due AS d WHERE d.case_id = p.case_id AND d.what = 'follow')
    """,
)
"""What brings each kind of deadline forward once, and writes down that it has to be met."""
UNMET = """
SELECT (SELECT count(*) FROM soak_due) - (SELECT count(*) FROM soak_done)
     + (SELECT count(*) FROM soak_plot AS p JOIN case_file AS c ON c.id = p.case_id
        WHERE p.plot = 'unanswered' AND c.pass_up_at IS NOT NULL)
     + (SELECT count(*) FROM soak_plot AS p JOIN case_timer AS t ON t.case_id = p.case_id
        WHERE p.plot IN ('warned', 'whistled', 'ordered', 'badly_rated', 'unverified')
            AND t.stopped_at IS NULL AND t.red_shown_at IS NULL)
"""
"""Counts the deadlines that are still to be seen to, or to be brought forward."""
SWEEPING = """
SELECT count(*) FROM procrastinate_jobs
WHERE queueing_lock IS NOT NULL AND status IN ('todo', 'doing')
"""
_NOT_ONCE = """
SELECT case_id, what, subject_id, due.n AS due, done.n AS done
FROM (SELECT case_id, what, COALESCE(subject_id, case_id) AS subject_id, count(*) AS n
      FROM soak_due GROUP BY 1, 2, 3) AS due
FULL JOIN (SELECT case_id, what, COALESCE(subject_id, case_id) AS subject_id, count(*) AS n
      FROM soak_done GROUP BY 1, 2, 3) AS done
USING (case_id, what, subject_id)
WHERE due.n IS DISTINCT FROM done.n
"""
LATEST = """
SELECT COALESCE(round(extract(epoch FROM max(age)))::int, 0) FROM (
    SELECT min(e.recorded_at) - d.noted_at AS age FROM soak_due AS d
    JOIN case_entry AS e ON e.case_id = d.case_id AND e.by = 'system'
        AND e.move = d.what AND e.recorded_at >= d.noted_at
    GROUP BY d.ctid, d.noted_at) AS ages
"""


async def prepare(on: Ground) -> None:
    """Make the tables in which deadlines are written down."""
    for statement in _TABLES.split(";\n"):
        await on.sql(statement)


async def plant(on: Ground, issue_id: str, plot: str) -> None:
    """Let an issue wait for the deadlines of its plot."""
    await on.sql("INSERT INTO soak_plot VALUES ($1, $2)", issue_id, plot)


async def pass_time(on: Ground) -> None:
    """Bring every waiting deadline forward once, and have the sweeps look for them."""
    for statement in _FORWARD:
        await on.sql(statement)
    await on.defer(*SWEEPS)


async def not_once(on: Ground) -> list[str]:
    """Return each deadline that was not seen to exactly once, and what was done without."""
    return [str(dict(row)) for row in await on.sql(_NOT_ONCE)]


async def kinds(on: Ground) -> dict[str, int]:
    """Return how many deadlines of each kind there were."""
    counted = "SELECT what, count(*) FROM soak_due GROUP BY what ORDER BY what"
    return {row["what"]: row["count"] for row in await on.sql(counted)}
