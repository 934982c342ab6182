"""Households and people of an import, compared with the registers inside PostgreSQL.

What lies in the temporary tables of `staging` is joined to the registers of the lanes that it
names. Sealed texts are compared as they lie there: the same value has the same text. Rows that
an older key sealed are sealed anew for the comparison, in a table of their own.
"""

import asyncpg

from neighborhood_api.kit.sealing import seals

_PLAIN = r"lower(regexp_replace(normalize({}, NFKC), '\s', '', 'g'))"
"""What two spellings of one word have in common: width, spaces and case do not count."""

_KNOWN_HOUSEHOLDS = """
CREATE TEMPORARY TABLE known_household ON COMMIT DROP AS
SELECT h.id, h.lane_id, COALESCE(r.sealed, h.address) AS address, h.occupancy, h.note,
    h.verified_on, h.version
FROM household h LEFT JOIN resealed r ON r.was = h.address
WHERE h.ended_on IS NULL AND h.lane_id IN (SELECT lane_id FROM staged_place)
"""
_KNOWN_RESIDENTS = f"""
CREATE TEMPORARY TABLE known_resident ON COMMIT DROP AS
SELECT o.id, o.household_id, o.name, {_PLAIN.format("o.name")} AS plain_name,
    COALESCE(r.sealed, o.phone) AS phone, o.birth_year,
    o.relation, o.is_head, o.moved_in_on, o.verified_on, o.version
FROM resident o LEFT JOIN resealed r ON r.was = o.phone
WHERE o.moved_out_on IS NULL AND o.household_id IN (SELECT id FROM known_household)
"""  # noqa: S608  (only our own words)
_SEALED_BEFORE = """
SELECT address AS sealed, 'address' AS about FROM household
WHERE NOT starts_with(address, $1) AND lane_id IN (SELECT lane_id FROM staged_place)
UNION
SELECT address, 'address' FROM residence
WHERE NOT starts_with(address, $1) AND lane_id IN (SELECT lane_id FROM staged_place)
UNION
SELECT phone, 'phone' FROM resident
WHERE NOT starts_with(phone, $1) AND lane_id IN (SELECT lane_id FROM staged_place)
"""
_PLANNED_HOUSEHOLDS = f"""
CREATE TEMPORARY TABLE planned_household ON COMMIT DROP AS
SELECT s.n, COALESCE(k.id, s.id) AS id, k.id IS NULL AS is_new, p.district_id, p.street_id,
    p.community_id, p.grid_id, p.lane_id, s.address, s.occupancy, s.note, s.verified_on,
    k.version AS was_version, false AS implied, row_number() OVER door AS nth,
    first_value(s.n) OVER door AS first_n,
    (s.occupancy, s.note, s.verified_on) IS NOT DISTINCT FROM (
        first_value(s.occupancy) OVER door, first_value(s.note) OVER door,
        first_value(s.verified_on) OVER door) AS like_first,
    CASE WHEN k.id IS NOT NULL THEN NULLIF(concat_ws('、',
        CASE WHEN s.occupancy <> k.occupancy THEN '房屋用途' END,
        CASE WHEN {_PLAIN.format("s.note")} <> {_PLAIN.format("k.note")}
            THEN '备注' END,
        CASE WHEN s.verified_on <> k.verified_on
            OR (s.verified_on IS NOT NULL AND k.verified_on IS NULL) THEN '核实日期' END
    ), '') END AS differs
FROM staged_household s
JOIN staged_place p USING (place)
LEFT JOIN known_household k ON k.lane_id = p.lane_id AND k.address = s.address
WHERE p.lane_id IS NOT NULL
WINDOW door AS (PARTITION BY p.lane_id, s.address ORDER BY s.n)
"""  # noqa: S608
_IMPLIED_HOUSEHOLDS = """
INSERT INTO planned_household (n, id, is_new, district_id, street_id, community_id, grid_id,
    lane_id, address, implied, nth)
SELECT DISTINCT ON (p.lane_id, s.address) s.n, s.id, true, p.district_id, p.street_id,
    p.community_id, p.grid_id, p.lane_id, s.address, true, 1
FROM staged_resident s
JOIN staged_place p USING (place)
WHERE p.lane_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM planned_household h
        WHERE h.lane_id = p.lane_id AND h.address = s.address)
    AND NOT EXISTS (SELECT FROM known_household k
        WHERE k.lane_id = p.lane_id AND k.address = s.address)
ORDER BY p.lane_id, s.address, s.n
"""
_DOORS = """
CREATE TEMPORARY TABLE door ON COMMIT DROP AS
SELECT id, lane_id, address FROM planned_household WHERE nth = 1
UNION
SELECT id, lane_id, address FROM known_household
"""
_PLANNED_RESIDENTS = f"""
CREATE TEMPORARY TABLE planned_resident ON COMMIT DROP AS
WITH plain AS (
    SELECT s.*, {_PLAIN.format("s.name")} AS plain_name FROM staged_resident s
), named AS (
    SELECT DISTINCT p.lane_id, s.address, s.plain_name
    FROM plain s JOIN staged_place p USING (place) WHERE NOT s.of_household
), located AS (
    SELECT s.*, p.district_id, p.street_id, p.community_id, p.grid_id, p.lane_id,
        d.id AS household_id,
        row_number() OVER same AS nth, first_value(s.n) OVER same AS first_n
    FROM plain s
    JOIN staged_place p USING (place)
    JOIN door d ON d.lane_id = p.lane_id AND d.address = s.address
    LEFT JOIN named o ON s.of_household AND (o.lane_id, o.address, o.plain_name)
        = (p.lane_id, s.address, s.plain_name)
    WHERE o.plain_name IS NULL
    WINDOW same AS (PARTITION BY d.id, s.plain_name, s.phone, s.birth_year ORDER BY s.n)
), best AS (
    SELECT DISTINCT ON (l.n) l.n, k.id, k.version, NULLIF(concat_ws('、',
        CASE WHEN l.phone <> k.phone OR (l.phone IS NOT NULL AND k.phone IS NULL)
            THEN '电话' END,
        CASE WHEN l.birth_year <> k.birth_year
            OR (l.birth_year IS NOT NULL AND k.birth_year IS NULL) THEN '出生年份' END,
        CASE WHEN {_PLAIN.format("l.relation")} <> {_PLAIN.format("k.relation")}
            AND (l.is_head AND k.is_head) IS NOT TRUE
            THEN '与户主关系' END,
        CASE WHEN l.is_head <> k.is_head THEN '户主' END,
        CASE WHEN l.moved_in_on <> k.moved_in_on
            OR (l.moved_in_on IS NOT NULL AND k.moved_in_on IS NULL) THEN '迁入日期' END,
        CASE WHEN l.verified_on > k.verified_on
            OR (NOT l.of_household AND l.verified_on < k.verified_on)
            OR (l.verified_on IS NOT NULL AND k.verified_on IS NULL) THEN '核实日期' END
    ), '') AS differs
    FROM located l
    JOIN known_resident k ON k.household_id = l.household_id AND k.plain_name = l.plain_name
        AND (k.phone = l.phone OR k.birth_year = l.birth_year
            OR (l.phone IS NULL AND l.birth_year IS NULL)
            OR (k.phone IS NULL AND k.birth_year IS NULL))
    WHERE l.nth = 1
    ORDER BY l.n, ((k.phone, k.birth_year) IS NOT DISTINCT FROM (l.phone, l.birth_year)) DESC,
        (k.phone = l.phone) DESC NULLS LAST, (k.birth_year = l.birth_year) DESC NULLS LAST,
        k.id
)
SELECT l.*, COALESCE(b.id, l.id) AS resident_id, b.id IS NULL AS is_new,
    b.version AS was_version, b.differs,
    CASE WHEN b.id IS NOT NULL THEN first_value(l.n) OVER taken END AS taken_by
FROM located l LEFT JOIN best b USING (n)
WINDOW taken AS (PARTITION BY b.id ORDER BY l.n)
"""  # noqa: S608
_INDEXES = """
CREATE INDEX ON planned_resident (resident_id);
ANALYZE planned_resident;
"""
_PLACE_FINDINGS = """
WITH fallen AS (
    SELECT s.n, p.fault, p.warning, 'households' AS kind FROM staged_household s
    JOIN staged_place p USING (place)
    UNION ALL
    SELECT s.n, p.fault, p.warning, 'people' FROM staged_resident s
    JOIN staged_place p USING (place)
    WHERE NOT s.of_household
), outcomes AS (
    INSERT INTO staged_outcome SELECT n, kind, 'fault' FROM fallen WHERE fault IS NOT NULL
)
INSERT INTO staged_finding
SELECT n, CASE WHEN fault IS NULL THEN 'warning' ELSE 'fault' END, COALESCE(fault, warning)
FROM fallen WHERE fault IS NOT NULL OR warning IS NOT NULL
"""
_AT_ROW = "(SELECT format('第 %s 行', line) FROM staged_row r WHERE r.n = {})"
_HOUSEHOLD_FINDINGS = f"""
INSERT INTO staged_finding
SELECT n, CASE WHEN like_first THEN 'warning' ELSE 'fault' END,
    format(CASE WHEN like_first THEN '与%s重复，只取一次' ELSE '与%s是同一户，但内容不同' END,
        {_AT_ROW.format("planned_household.first_n")})
FROM planned_household WHERE nth > 1
UNION ALL
SELECT n, 'changed', '修改' || differs FROM planned_household
WHERE nth = 1 AND differs IS NOT NULL
UNION ALL
SELECT n, 'warning', '登记册中没有这一户，将一并新建' FROM planned_household WHERE implied
"""  # noqa: S608  (only our own words)
_HOUSEHOLD_OUTCOMES = """
INSERT INTO staged_outcome
SELECT n, 'households', CASE
    WHEN nth > 1 AND NOT like_first THEN 'fault'
    WHEN nth > 1 THEN 'unchanged'
    WHEN is_new THEN 'new'
    WHEN differs IS NOT NULL THEN 'changed'
    ELSE 'unchanged' END
FROM planned_household
"""
_HEADS = """
WITH after AS (
    SELECT household_id, n FROM planned_resident
    WHERE nth = 1 AND is_head AND (taken_by IS NULL OR taken_by = n)
    UNION ALL
    SELECT k.household_id, NULL FROM known_resident k
    LEFT JOIN planned_resident p
        ON p.resident_id = k.id AND NOT p.is_new AND p.taken_by = p.n
    WHERE k.is_head AND p.is_head IS NULL
), double AS (
    SELECT household_id FROM after GROUP BY household_id HAVING count(*) > 1
), wrong AS (
    SELECT n FROM after JOIN double USING (household_id) WHERE n IS NOT NULL
), outcomes AS (
    INSERT INTO staged_outcome SELECT n, 'people', 'fault' FROM wrong
)
INSERT INTO staged_finding
SELECT n, 'fault', '一户只能有一位户主，本户另有户主，请先核对' FROM wrong
"""
_RESIDENT_FINDINGS = f"""
INSERT INTO staged_finding
SELECT n, 'warning', format('与%s重复，只取一次', {_AT_ROW.format("planned_resident.first_n")})
FROM planned_resident WHERE nth > 1
UNION ALL
SELECT n, 'fault', format('与%s指的是登记册中的同一人，请核对',
    {_AT_ROW.format("planned_resident.taken_by")})
FROM planned_resident WHERE nth = 1 AND taken_by <> n
UNION ALL
SELECT n, 'changed', '修改' || differs FROM planned_resident
WHERE nth = 1 AND taken_by = n AND differs IS NOT NULL
UNION ALL
SELECT DISTINCT p.n, 'warning', CASE WHEN k.plain_name = p.plain_name
    THEN '本户已登记一位同名人员，电话或出生年份不同，请核对是否同一人'
    ELSE '本户已登记一位电话相同、姓名不同的人员，请核对姓名写法' END
FROM planned_resident p JOIN known_resident k ON k.household_id = p.household_id
    AND (k.plain_name = p.plain_name OR k.phone = p.phone)
WHERE p.nth = 1 AND p.is_new
"""  # noqa: S608  (only our own words)
_RESIDENT_OUTCOMES = """
INSERT INTO staged_outcome
SELECT n, 'people', CASE
    WHEN nth > 1 THEN 'unchanged'
    WHEN taken_by <> n THEN 'fault'
    WHEN is_new THEN 'new'
    WHEN differs IS NOT NULL THEN 'changed'
    ELSE 'unchanged' END
FROM planned_resident
"""
_MISSING = """
INSERT INTO staged_missing
SELECT 'households', k.lane_id, NULL, k.address FROM known_household k
WHERE k.lane_id IN (SELECT lane_id FROM staged_household JOIN staged_place USING (place))
    AND NOT EXISTS (SELECT FROM planned_household p WHERE p.id = k.id)
UNION ALL
SELECT 'people', h.lane_id, o.name, h.address FROM known_resident o
JOIN known_household h ON h.id = o.household_id
WHERE h.lane_id IN (SELECT lane_id FROM staged_resident JOIN staged_place USING (place))
    AND NOT EXISTS (SELECT FROM planned_resident p WHERE p.resident_id = o.id)
"""


async def compare_doors(connection: asyncpg.Connection) -> None:
    """Say of every staged household and person what an import would do with it."""
    await connection.execute("ANALYZE staged_place, staged_household, staged_resident")
    await _reseal(connection)
    for statement in (
        *(_KNOWN_HOUSEHOLDS, "ANALYZE known_household"),
        *(_KNOWN_RESIDENTS, "ANALYZE known_resident"),
        *(_PLANNED_HOUSEHOLDS, _IMPLIED_HOUSEHOLDS, "ANALYZE planned_household"),
        *(_DOORS, "ANALYZE door"),
        *(_PLANNED_RESIDENTS, _INDEXES),
        *("ANALYZE staged_row", "CREATE UNIQUE INDEX ON staged_row (n)"),
        *(_PLACE_FINDINGS, _HOUSEHOLD_FINDINGS, _HOUSEHOLD_OUTCOMES),
        *(_HEADS, _RESIDENT_FINDINGS, _RESIDENT_OUTCOMES, _MISSING),
    ):
        await connection.execute(statement)


async def _reseal(connection: asyncpg.Connection) -> None:
    """Seal anew, for the comparison alone, what older keys sealed; usually nothing."""
    current = seals().seal("", "address")
    mark = current[: current.rfind(".") + 1]
    renewed = [
        (sealed, seals().seal(seals().open(sealed, about), about))
        for sealed, about in await connection.fetch(_SEALED_BEFORE, mark)
    ]
    await connection.copy_records_to_table("resealed", records=renewed)
    await connection.execute("ANALYZE resealed")
