-- Bookings of an hour, for whoever is next; nobody is in two places. The past ones lie before
-- :today, one beside the other; of the coming week every other hour is booked.

CREATE FUNCTION pg_temp.id_at(moment timestamptz, kind integer, number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE RETURN (
    lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
    || '7' || lpad(to_hex(kind), 3, '0') || '8' || lpad(to_hex(number), 15, '0')
)::uuid;

CREATE TEMP TABLE made AS
SELECT
    n, pg_temp.id_at(begins_at, 1, n) AS id, pg_temp.id_at(begins_at, 2, n) AS unit_time_id,
    pg_temp.id_at(begins_at, 3, n) AS person_time_id,
    u.id AS unit_id, u.number AS unit_number, u.resource_id,
    g.id AS person_id, t.number AS person_number,
    begins_at AS starts_at, begins_at + interval '1 hour' AS ends_at, begins_at < :today AS past
FROM (
    SELECT n, :today - interval '1 day' * (n / {units} / {hours} + 1)
        + interval '1 hour' * (n / {units} % {hours}) AS begins_at
    FROM generate_series(0::bigint, {past} - 1) AS n
    UNION ALL
    SELECT {past} + n, :today + interval '1 day' * (n / {units} / {hours})
        + interval '1 hour' * (n / {units} % {hours})
    FROM generate_series(0::bigint, {coming} - 1) AS n
    WHERE n / {units} % 2 = 0
) AS wanted
JOIN (
    SELECT unit.id, resource_id, timetable.number, row_number() OVER (ORDER BY unit.id) AS nth
    FROM unit JOIN timetable USING (id)
) AS u ON u.nth = n % {units} + 1
JOIN guest AS g ON g.number = n % (SELECT count(*) FROM guest)
JOIN timetable AS t ON t.id = g.id;

INSERT INTO registration (
    id, number, created_at, resource_id, policy_id, state, starts_at, ends_at, who_id, person_id,
    unit_id, seats, purpose, channel, cancelled_late, due_at, version
)
SELECT
    made.id, nextval('registration_number'), made.starts_at - interval '3 days', resource_id,
    resource.policy_id, CASE WHEN past THEN 'completed' ELSE 'confirmed' END, made.starts_at,
    made.ends_at, person_id, person_id, unit_id, 2, '邻居练球', 'self', false,
    CASE WHEN past THEN NULL ELSE made.ends_at END, 1
FROM made JOIN resource ON resource.id = resource_id
ORDER BY n;

INSERT INTO occupation (id, timetable_number, starts_at, ends_at, registration_id)
SELECT unit_time_id, unit_number, starts_at, ends_at, id FROM made
UNION ALL
SELECT person_time_id, person_number, starts_at, ends_at, id FROM made;

DROP TABLE made;
DROP FUNCTION pg_temp.id_at;
