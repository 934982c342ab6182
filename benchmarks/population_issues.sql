-- The issues of a population and what goes with them, made where they are stored. Reads the
-- temporary tables `wanted` (one row), `lane`, `reporter`, `rule` and `wording`.

CREATE FUNCTION pg_temp.id_at(moment timestamptz, kind integer, number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE RETURN (
    lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
    || '7' || lpad(to_hex(kind), 3, '0') || '8' || lpad(to_hex(number), 15, '0')
)::uuid;

-- What has happened to issues: of eleven, nine are over, in no lane all of them.
CREATE TEMP TABLE step (life text, n integer, move text, by text, state_before text, state text);
INSERT INTO step VALUES
    ('settled', 1, 'report', 'reporter', NULL, 'assigned'),
    ('settled', 2, 'accept', 'staff', 'assigned', 'accepted'),
    ('settled', 3, 'resolve', 'staff', 'accepted', 'resolved'),
    ('settled', 4, 'confirm', 'reporter', 'resolved', 'confirmed'),
    ('settled', 5, 'rate', 'reporter', 'confirmed', 'closed'),
    ('silent', 1, 'report', 'reporter', NULL, 'assigned'),
    ('silent', 2, 'accept', 'staff', 'assigned', 'accepted'),
    ('silent', 3, 'resolve', 'staff', 'accepted', 'resolved'),
    ('silent', 4, 'close', 'system', 'resolved', 'closed'),
    ('accepted', 1, 'report', 'reporter', NULL, 'assigned'),
    ('accepted', 2, 'accept', 'staff', 'assigned', 'accepted'),
    ('reported', 1, 'report', 'reporter', NULL, 'assigned');

-- Spread over a year, and those of each reporter too. Everything ends within a day.
CREATE TEMP TABLE drawn AS
WITH numbered AS (
    SELECT
        number,
        wanted.*,
        wanted.begin_at + number * wanted.apart AS opened_at,
        number * crowded / issues > (number - 1) * crowded / issues AS in_the_crowd
    FROM wanted, generate_series(1, wanted.issues) AS number
), placed AS (
    SELECT
        *,
        CASE
            WHEN in_the_crowd THEN number % ((reporters - 1) / lanes + 1) * lanes
            ELSE (number - 1) % reporters
        END AS reporter_number,
        CASE
            WHEN number % 11 < 6 THEN 'settled'
            WHEN number % 11 < 9 THEN 'silent'
            WHEN number % 11 = 9 THEN 'accepted'
            ELSE 'reported'
        END AS life
    FROM numbered
)
SELECT
    placed.number,
    pg_temp.id_at(opened_at, 0, placed.number) AS id,
    'SY' || to_char(opened_at, 'YYMMDD') || '-' || lpad((placed.number - 1)::text, 6, '0') AS code,
    life,
    life IN ('settled', 'silent') AS is_over,
    opened_at,
    opened_at + (1 + placed.number % 37 * 5) * interval '1 minute' AS accepted_at,
    opened_at + (60 + placed.number * 7919 % 1080) * interval '1 minute' AS resolved_at,
    opened_at + (180 + placed.number * 7919 % 1080) * interval '1 minute' AS closed_at,
    opened_at + interval '2 hours' AS respond_due_at,
    opened_at + interval '12 hours' AS resolve_due_at,
    CASE WHEN life = 'settled' THEN placed.number * 31 % 5 + 1 END AS rating,
    reporter.person_id AS reporter_id,
    lane.*,
    rule.id AS rule_id,
    rule.category_code,
    rule.terms,
    wording.text,
    wording.location,
    wording.words
FROM placed
JOIN reporter ON reporter.number = reporter_number
JOIN lane ON lane.lane_number = reporter_number % lanes
JOIN rule ON rule.number = placed.number % placed.rules
JOIN wording ON wording.number = placed.number % placed.wordings;

INSERT INTO case_file (
    id, kind, code, state, reported_by_id, opened_at, moved_at, terms, hand_level, hand_node_id,
    hand_role, respond_due_at, resolve_due_at, reporter_id, hand_person_id, confidential,
    adjudicated, first_responded_at, resolved_at, resolved_by_id, closed_at, times_reopened,
    times_passed_up, times_returned, times_urged, version,
    district_id, street_id, community_id, grid_id, lane_id
)
SELECT
    id, 'issue', code, last.state, reporter_id, opened_at,
    CASE last.n WHEN 1 THEN opened_at WHEN 2 THEN accepted_at ELSE closed_at END,
    terms, 4, lane_id, 'lane_chief', respond_due_at, resolve_due_at, reporter_id, chief_id,
    FALSE, FALSE,
    CASE WHEN is_over THEN least(accepted_at, resolved_at) END,
    CASE WHEN is_over THEN resolved_at END,
    CASE WHEN is_over THEN chief_id END,
    CASE WHEN is_over THEN closed_at END,
    0, 0, 0, 0, last.n,
    district_id, street_id, community_id, grid_id, lane_id
FROM drawn
JOIN (SELECT DISTINCT ON (life) * FROM step ORDER BY life, n DESC) AS last USING (life);

INSERT INTO issue (
    case_id, category_code, rule_id, text, words, location, photo_ids, anonymous, rating, rated_at
)
SELECT
    id, category_code, rule_id, text,
    concat_ws(
        ' ', words, quote_literal(lower(split_part(code, '-', 1))),
        quote_literal(split_part(code, '-', 2)),
        quote_literal('#' || replace(street_id::text, '-', ''))
    )::tsvector,
    location, '{}', FALSE, rating, CASE WHEN rating IS NOT NULL THEN closed_at END
FROM drawn;

INSERT INTO issue_publication (
    case_id, category_code, state, photos_shown, version,
    district_id, street_id, community_id, grid_id, lane_id
)
SELECT
    id, category_code, 'pending', FALSE, 1,
    district_id, street_id, community_id, grid_id, lane_id
FROM drawn;

INSERT INTO case_hand (case_id, page, node_id, role, held_from, person_id, held_until, idle)
SELECT
    id, 1, lane_id, 'lane_chief', opened_at, chief_id, CASE WHEN is_over THEN closed_at END, FALSE
FROM drawn;

INSERT INTO case_timer (
    id, case_id, purpose, clock, amount, started_at, due_at, yellow_at, provisional, extra, rests,
    stopped_at
)
SELECT
    pg_temp.id_at(opened_at, kind, number), id, purpose, 'calendar',
    extract(epoch FROM due_at - opened_at) / 60, opened_at, due_at,
    opened_at + (due_at - opened_at) * 0.8, FALSE, 0, purpose = 'resolve',
    CASE WHEN is_over THEN done_at END
FROM drawn, LATERAL (
    VALUES (1, 'respond', respond_due_at, accepted_at), (2, 'resolve', resolve_due_at, resolved_at)
) AS clock (kind, purpose, due_at, done_at);

INSERT INTO case_entry (
    id, case_id, move, by, from_state, to_state, recorded_at, person_id, role, text, internal,
    file_ids, rating
)
SELECT
    pg_temp.id_at(at, n, number), id, move, by, state_before, step.state, at,
    CASE by WHEN 'staff' THEN chief_id WHEN 'reporter' THEN reporter_id END,
    CASE by WHEN 'staff' THEN 'lane_chief' END,
    CASE by WHEN 'staff' THEN '垃圾已清运,桶已消毒。' END,
    FALSE, '{}', CASE WHEN move = 'rate' THEN rating END
FROM drawn
JOIN step USING (life),
LATERAL (
    SELECT CASE n
        WHEN 1 THEN opened_at
        WHEN 2 THEN least(accepted_at, resolved_at)
        WHEN 3 THEN resolved_at
        ELSE closed_at
    END AS at
) AS moment;

-- What happens to some: a pause, a call afterwards, a whistle, an exclusion.
INSERT INTO case_rest (id, case_id, state, started_at, ended_at)
SELECT
    pg_temp.id_at(opened_at, 3, number), id, 'waiting',
    opened_at + interval '10 minutes', opened_at + interval '40 minutes'
FROM drawn WHERE is_over AND number % 10 = 3;

INSERT INTO issue_call_back (
    id, case_id, handling, reason, opened_at, remedy_wanted, attempts, ended_at, reached, solved,
    satisfied
)
SELECT
    pg_temp.id_at(closed_at, 4, number), id, 0, 'sample', closed_at, FALSE, 1, closed_at, TRUE,
    number % 7 > 0, number % 9 > 0
FROM drawn WHERE is_over AND number % 20 = 7;

INSERT INTO case_whistle (id, case_id, whistled_by_id, role, whistled_at, reason)
SELECT
    pg_temp.id_at(opened_at, 5, number), id, chief_id, 'lane_chief', opened_at, '需要到场'
FROM drawn WHERE is_over AND number % 50 = 21;

INSERT INTO case_call (
    id, whistle_id, case_id, organization_id, from_node_id, from_level, called_at, check_in_by,
    checked_in_at, lead, far, late, report_file_ids, released_at
)
SELECT
    pg_temp.id_at(opened_at, 6, number), pg_temp.id_at(opened_at, 5, number), id,
    organization_id, street_id, 1, opened_at, opened_at + interval '1 hour',
    opened_at + number % 80 * interval '1 minute', TRUE, FALSE, number % 80 > 60, '{}', closed_at
FROM drawn WHERE is_over AND number % 50 = 21;

INSERT INTO case_party (organization_id, case_id)
SELECT organization_id, id FROM drawn WHERE is_over AND number % 50 = 21;

INSERT INTO issue_exclusion (
    id, case_id, number, step, excluded, person_id, text, recorded_at, reason
)
SELECT
    pg_temp.id_at(closed_at, 6 + n, drawn.number), id, n, step, TRUE, chief_id,
    '不属本辖区职责', closed_at, reason
FROM drawn, (VALUES (1, 'requested', 'out_of_duty'), (2, 'approved', NULL)) AS asked (n, step, reason)
WHERE is_over AND drawn.number % 100 = 13;

DROP TABLE step, drawn;
