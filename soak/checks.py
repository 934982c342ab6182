"""What must be true of every database after every run, in plain SQL.

Each statement returns one row for each thing that is wrong.
"""

import asyncpg

from neighborhood_api.issues.workflow import ISSUE

ALWAYS: dict[str, str] = {
    "timelines have no step that the one before does not lead to": """
        SELECT case_id, move, from_state, before FROM (
            SELECT case_id, move, from_state,
                lag(to_state) OVER (PARTITION BY case_id ORDER BY id) AS before
            FROM case_entry) AS step
        WHERE from_state IS DISTINCT FROM before
    """,
    "cases stand where their timelines end": """
        SELECT c.id, c.state, c.version, last.to_state, last.lines FROM case_file AS c
        JOIN LATERAL (
            SELECT count(*) AS lines,
                (array_agg(to_state ORDER BY id DESC))[1] AS to_state
            FROM case_entry WHERE case_id = c.id) AS last ON true
        WHERE (c.state, c.version) IS DISTINCT FROM (last.to_state, last.lines)
    """,
    "ledgers have no gap and no overlap": """
        SELECT case_id, page FROM (
            SELECT h.case_id, h.page, h.held_from, h.held_until,
                lag(h.held_until) OVER w AS before, lag(h.page) OVER w AS page_before,
                lead(h.page) OVER w AS page_after, c.opened_at
            FROM case_hand AS h JOIN case_file AS c ON c.id = h.case_id
            WINDOW w AS (PARTITION BY h.case_id ORDER BY h.page)) AS p
        WHERE page <> COALESCE(page_before, 0) + 1
            OR held_from <> COALESCE(before, opened_at)
            OR (held_until IS NULL AND page_after IS NOT NULL)
            OR held_until < held_from
    """,
    "ledgers are open while a case is, and then name its hands": """
        SELECT c.id, c.state FROM case_file AS c
        JOIN LATERAL (SELECT * FROM case_hand WHERE case_id = c.id
            ORDER BY page DESC LIMIT 1) AS last ON true
        WHERE (last.held_until IS NULL)
                <> (c.state NOT IN ('closed', 'rejected', 'withdrawn', 'merged'))
            OR (last.node_id, last.role, last.person_id)
                IS DISTINCT FROM (c.hand_node_id, c.hand_role, c.hand_person_id)
    """,
    "hands add up to the age": """
        SELECT c.id FROM case_file AS c JOIN case_hand AS h ON h.case_id = c.id
        GROUP BY c.id, c.opened_at
        HAVING sum(COALESCE(h.held_until, 'tomorrow') - h.held_from)
            <> max(COALESCE(h.held_until, 'tomorrow')) - c.opened_at
    """,
    "each line has one digest in the trail": """
        SELECT e.id, count(t.id) FROM case_entry AS e
        LEFT JOIN trail AS t ON t.subject_id = e.id AND t.kind = 'case_entry/1'
        GROUP BY e.id HAVING count(t.id) <> 1
    """,
    "every event was delivered": "SELECT id, name FROM outbox WHERE relayed_at IS NULL",
    "no job failed": """
        SELECT id, task_name, args FROM procrastinate_jobs
        WHERE status = 'failed' AND queueing_lock IS NULL
    """,
    "no warning was given twice": """
        SELECT timer_id, colour, due_at FROM issue_warning
        GROUP BY timer_id, colour, due_at HAVING count(*) > 1
    """,
    "each warning was announced once": """
        SELECT w.id, count(o.id) FROM issue_warning AS w
        LEFT JOIN outbox AS o ON o.name = 'issues.warning_raised'
            AND o.payload->>'warning_id' = w.id::text
        GROUP BY w.id HAVING count(o.id) <> 1
    """,
    "each late check-in was announced once": """
        SELECT c.id, count(o.id) FROM case_call AS c
        LEFT JOIN outbox AS o ON o.name = 'issues.check_in_overdue'
            AND o.payload->>'call_id' = c.id::text
        WHERE c.missed_at IS NOT NULL
        GROUP BY c.id HAVING count(o.id) <> 1
    """,
    "each export was announced once": """
        SELECT e.id, e.state, count(o.id) FROM issue_export AS e
        LEFT JOIN outbox AS o ON o.name = 'issues.export_finished'
            AND o.payload->>'export_id' = e.id::text
        GROUP BY e.id, e.state
        HAVING count(o.id) <> (e.state IN ('done', 'failed'))::int
    """,
}
_PLACED = """
SELECT r.*, p.terms, s.mode, s.capacity,
    r.state IN ('held', 'offered', 'confirmed', 'checked_in')
        OR (r.state = 'pending' AND (p.terms->>'pending_blocks')::boolean) AS placed,
    r.starts_at - make_interval(mins => (p.terms->>'buffer_before_minutes')::int) AS since,
    r.ends_at + make_interval(mins => (p.terms->>'buffer_after_minutes')::int) AS free_from
FROM registration AS r
JOIN policy AS p ON p.id = r.policy_id JOIN resource AS s ON s.id = r.resource_id
"""
WAITS_IN_VAIN = """
SELECT r.id, r.resource_id FROM registration AS r
JOIN resource AS s ON s.id = r.resource_id JOIN policy AS p ON p.id = r.policy_id
WHERE r.state = 'waitlisted' AND r.starts_at > now() AND s.cancelled_at IS NULL
    AND s.draw_at IS NULL
    AND NOT EXISTS (
        SELECT FROM occupation AS o JOIN timetable AS t ON t.number = o.timetable_number
        WHERE t.id = r.who_id AND o.starts_at < r.ends_at AND r.starts_at < o.ends_at)
    AND CASE s.mode WHEN 'counted' THEN s.taken + r.seats <= s.capacity
        ELSE EXISTS (
            SELECT FROM unit AS u JOIN timetable AS t ON t.id = u.id
            WHERE u.resource_id = s.id AND u.active AND COALESCE(r.unit_id, u.id) = u.id
                AND NOT EXISTS (
                    SELECT FROM occupation AS o WHERE o.timetable_number = t.number
                    AND o.starts_at < r.ends_at
                        + make_interval(mins => (p.terms->>'buffer_after_minutes')::int)
                    AND o.ends_at > r.starts_at
                        - make_interval(mins => (p.terms->>'buffer_before_minutes')::int)))
        END
"""
"""Who waits for what is free, and is free herself."""
BOOKINGS: dict[str, str] = {
    "bookings stand where their histories end": """
        SELECT r.id, r.state, last.state AS history FROM registration AS r
        LEFT JOIN LATERAL (
            SELECT e.state FROM registration_entry AS e WHERE e.registration_id = r.id
            ORDER BY e.id DESC LIMIT 1) AS last ON true
        WHERE r.state IS DISTINCT FROM last.state
    """,
    "histories of bookings have only lawful steps": """
        SELECT * FROM (
            SELECT registration_id, act, state,
                lag(state) OVER (PARTITION BY registration_id ORDER BY id) AS before
            FROM registration_entry) AS step
        WHERE NOT CASE act
            WHEN 'hold' THEN before IS NULL AND state = 'held'
            WHEN 'register' THEN before IS NULL AND state IN ('pending', 'confirmed')
            WHEN 'join_waitlist' THEN before IS NULL AND state = 'waitlisted'
            WHEN 'enter_draw' THEN before IS NULL AND state = 'entered'
            WHEN 'draw' THEN before = 'entered' AND state IN ('confirmed', 'waitlisted')
            WHEN 'confirm' THEN before = 'held' AND state IN ('pending', 'confirmed')
            WHEN 'approve' THEN before = 'pending' AND state = 'confirmed'
            WHEN 'reject' THEN before = 'pending' AND state = 'rejected'
            WHEN 'offer' THEN before = 'waitlisted' AND state = 'offered'
            WHEN 'promote' THEN before = 'waitlisted' AND state IN ('pending', 'confirmed')
            WHEN 'accept' THEN before = 'offered' AND state IN ('pending', 'confirmed')
            WHEN 'decline' THEN before = 'offered' AND state = 'cancelled'
            WHEN 'move' THEN state IN ('pending', 'confirmed') AND before IN (
                'pending', 'entered', 'waitlisted', 'offered', 'confirmed')
            WHEN 'change' THEN before = state
            WHEN 'demote' THEN state = 'waitlisted' AND before IN (
                'pending', 'offered', 'confirmed')
            WHEN 'cancel' THEN state = 'cancelled' AND before IN (
                'held', 'pending', 'entered', 'waitlisted', 'offered', 'confirmed',
                'checked_in')
            WHEN 'expire' THEN state = 'expired' AND before IN (
                'held', 'pending', 'entered', 'waitlisted', 'offered')
            WHEN 'check_in' THEN before = 'confirmed' AND state = 'checked_in'
            WHEN 'check_out' THEN before IN ('checked_in', 'completed')
                AND state = 'completed'
            WHEN 'complete' THEN before IN ('confirmed', 'checked_in')
                AND state = 'completed'
            WHEN 'miss' THEN before = 'confirmed' AND state = 'no_show'
            ELSE false END
    """,
    "seats taken are the seats of who has one": f"""
        SELECT s.id, s.taken, COALESCE(had.seats, 0) AS seats FROM resource AS s
        LEFT JOIN (
            SELECT resource_id, sum(seats) AS seats FROM ({_PLACED}) AS r
            WHERE placed OR (state = 'completed'
                AND (checked_out_at IS NULL OR checked_out_at >= ends_at))
            GROUP BY resource_id) AS had ON had.resource_id = s.id
        WHERE s.mode = 'counted'
            AND (s.taken <> COALESCE(had.seats, 0) OR s.taken > s.capacity)
    """,  # noqa: S608  (statements of our own)
    "who has a place occupies its time, and nobody else does": f"""
        SELECT r.id, r.state, had.units, had.days, had.lines FROM ({_PLACED}) AS r
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE t.id = r.unit_id
                    AND (o.starts_at, o.ends_at) = (r.since, r.free_from)
                    AND o.until IS NOT DISTINCT FROM r.until) AS units,
                count(*) FILTER (WHERE t.id = r.who_id AND o.until IS NULL
                    AND (o.starts_at, o.ends_at) = (r.starts_at, r.ends_at)) AS days,
                count(*) AS lines
            FROM occupation AS o JOIN timetable AS t ON t.number = o.timetable_number
            WHERE o.registration_id = r.id) AS had
        WHERE CASE
            WHEN placed THEN had.lines <> had.units + had.days
                OR had.units <> (mode = 'exclusive')::int
                OR had.days <> (who_id <> id
                    AND state IN ('pending', 'confirmed', 'checked_in'))::int
            WHEN state IN ('completed', 'no_show') OR checked_in_at IS NOT NULL
                THEN had.lines > 2
            ELSE had.lines > 0 END
    """,  # noqa: S608
    "nothing is in two places": """
        SELECT a.id, b.id AS other, a.timetable_number FROM occupation AS a
        JOIN occupation AS b ON b.timetable_number = a.timetable_number AND a.id < b.id
            AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
    """,
    "places in a queue are different": """
        SELECT resource_id, queued, count(*) FROM registration WHERE state = 'waitlisted'
        GROUP BY resource_id, queued HAVING count(*) > 1
    """,
    "waitlists are no longer than they may be": """
        SELECT r.resource_id, count(*) FROM registration AS r
        JOIN policy AS p ON p.id = r.policy_id
        WHERE r.state = 'waitlisted' AND NOT EXISTS (
            SELECT FROM registration_entry AS e
            WHERE e.registration_id = r.id AND e.act IN ('demote', 'draw', 'change'))
        GROUP BY r.resource_id
        HAVING count(*) > max((p.terms->'waitlist'->>'longest')::int)
    """,
    "nobody has more open at once than she may": """
        SELECT r.id, r.who_id, quota->>'limit' AS most FROM registration AS r
        JOIN resource AS s ON s.id = r.resource_id JOIN policy AS p ON p.id = r.policy_id
        CROSS JOIN LATERAL jsonb_array_elements(p.terms->'quotas') AS quota
        WHERE r.channel <> 'staff' AND r.ends_at > now()
            AND r.state IN (
                'held', 'pending', 'entered', 'waitlisted', 'offered', 'confirmed',
                'checked_in')
            AND quota->>'owner' = 'person' AND quota->>'window' = 'open'
            AND quota->>'scope' = 'group' AND quota->>'measure' = 'times'
            AND (quota->>'limit')::int < (
                SELECT count(*) FROM registration AS o
                JOIN resource AS other ON other.id = o.resource_id
                WHERE o.who_id = r.who_id AND o.number <= r.number AND o.ends_at > now()
                    AND (other.group_id, other.kind) = (s.group_id, s.kind)
                    AND o.state IN (
                        'held', 'pending', 'entered', 'waitlisted', 'offered', 'confirmed',
                        'checked_in'))
    """,
    "what people did to a booking was announced once": """
        SELECT COALESCE(done.id, told.id) AS id, COALESCE(done.name, told.name) AS name,
            done.n AS done, told.n AS told
        FROM (SELECT registration_id::text AS id, name, count(*) AS n
              FROM registration_entry JOIN (VALUES
                ('hold', 'hold_begun'), ('register', 'registered'),
                ('confirm', 'registered'), ('join_waitlist', 'waitlist_joined'),
                ('offer', 'place_offered'), ('promote', 'place_given'),
                ('accept', 'place_given'), ('approve', 'approved'), ('reject', 'rejected'),
                ('move', 'moved'), ('cancel', 'cancelled'), ('decline', 'cancelled'),
                ('expire', 'expired'), ('check_in', 'checked_in'),
                ('check_out', 'checked_out'), ('miss', 'nobody_came')) AS e (act, event)
                USING (act)
              CROSS JOIN LATERAL (SELECT 'registrations.' || event AS name) AS named
              GROUP BY 1, 2) AS done
        FULL JOIN (SELECT payload->>'registration_id' AS id, name, count(*) AS n
              FROM outbox WHERE name IN (
                'registrations.hold_begun', 'registrations.registered',
                'registrations.waitlist_joined', 'registrations.place_offered',
                'registrations.place_given', 'registrations.approved',
                'registrations.rejected', 'registrations.moved', 'registrations.cancelled',
                'registrations.expired', 'registrations.checked_in',
                'registrations.checked_out', 'registrations.nobody_came')
              GROUP BY 1, 2) AS told USING (id, name)
        WHERE done.n IS DISTINCT FROM told.n
    """,
    "each coming and leaving has its line": """
        SELECT e.registration_id, e.act FROM registration_entry AS e
        WHERE e.act IN ('check_in', 'check_out') AND 1 <> (
            SELECT count(*) FROM check_in AS c
            WHERE c.registration_id = e.registration_id
                AND 'check_' || c.direction = e.act)
    """,
}
_EVENTS = """
SELECT e.id, e.move, count(o.id) FROM case_entry AS e
LEFT JOIN outbox AS o
    ON o.payload->>'entry_id' = e.id::text AND o.name = $1::jsonb->>e.move
GROUP BY e.id, e.move HAVING count(o.id) <> 1
UNION ALL
SELECT NULL, name, count(*) FROM outbox WHERE payload ? 'entry_id'
GROUP BY name, payload->>'entry_id' HAVING count(*) > 1
"""


async def broken(url: str) -> dict[str, list[str]]:
    """Return what is wrong with the database at `url`, for each thing that must be true."""
    connection = await asyncpg.connect(url)
    try:
        found = {
            name: _told(await connection.fetch(statement))
            for name, statement in (ALWAYS | BOOKINGS).items()
        }
        found["each line was announced once"] = _told(
            await connection.fetch(_EVENTS, _announced())
        )
    finally:
        await connection.close()
    return found


def _announced() -> str:
    pairs = (f'"{move.value}": "{event}"' for move, event in ISSUE.announced.items())
    return "{" + ", ".join(pairs) + "}"


def _told(rows: list[asyncpg.Record]) -> list[str]:
    return [", ".join(f"{name}={value}" for name, value in row.items()) for row in rows]
