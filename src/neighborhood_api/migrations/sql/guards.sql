-- Rows that are never changed afterwards, whoever asks: the timeline, the ledger of hands,
-- the audit trail, versions of rules. What a use case may not do, a slip must not do either.

CREATE OR REPLACE FUNCTION keep_handling_rule() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE closing text[] := '{superseded_at, superseded_by, withdrawn_reason}';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.superseded_at IS NULL
        AND to_jsonb(NEW) - closing = to_jsonb(OLD) - closing
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a version of a handling rule never changes'
        USING ERRCODE = 'integrity_constraint_violation',
            CONSTRAINT = 'handling_rule_is_kept', TABLE = 'handling_rule';
END $$;

CREATE TRIGGER handling_rule_is_kept BEFORE UPDATE OR DELETE ON handling_rule
FOR EACH ROW EXECUTE FUNCTION keep_handling_rule();

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', TABLE = TG_TABLE_NAME;
END $$;

-- People may have themselves forgotten. Then, and only while `kit.trail.withhold` says so, the
-- free texts that a trigger names may be replaced; everything else stays as it was written.

CREATE OR REPLACE FUNCTION keep_but_for_texts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('neighborhood.withholding', true) = 'on'
        AND to_jsonb(NEW) - TG_ARGV::text[] = to_jsonb(OLD) - TG_ARGV::text[]
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', TABLE = TG_TABLE_NAME;
END $$;

CREATE OR REPLACE FUNCTION keep_but_for_salt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('neighborhood.withholding', true) = 'on' AND NEW.salt IS NULL
        AND to_jsonb(NEW) - 'salt' = to_jsonb(OLD) - 'salt'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER withholding_is_kept BEFORE UPDATE ON withholding
FOR EACH ROW EXECUTE FUNCTION keep_but_for_salt();

CREATE TRIGGER withholding_stays BEFORE DELETE ON withholding
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER withholding_is_not_emptied BEFORE TRUNCATE ON withholding
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER case_entry_is_not_emptied BEFORE TRUNCATE ON case_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER trail_is_not_emptied BEFORE TRUNCATE ON trail
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER case_entry_is_kept BEFORE UPDATE OR DELETE ON case_entry
FOR EACH ROW EXECUTE FUNCTION keep_but_for_texts('text', 'note', 'detail');

CREATE TRIGGER trail_is_kept BEFORE DELETE ON trail
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER trail_is_sealed_once BEFORE UPDATE ON trail
FOR EACH ROW WHEN (OLD.position IS NOT NULL)
EXECUTE FUNCTION keep_but_for_salt();

CREATE OR REPLACE FUNCTION keep_case_hand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ending text[] := '{held_until, page_before, opened_at}';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.held_until IS NULL AND NEW.held_until IS NOT NULL
        AND to_jsonb(NEW) - ending = to_jsonb(OLD) - ending
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a page of the ledger of hands is ended once and never changed'
        USING ERRCODE = 'integrity_constraint_violation',
            CONSTRAINT = 'case_hand_is_kept', TABLE = 'case_hand';
END $$;

CREATE TRIGGER case_hand_is_kept BEFORE UPDATE OR DELETE ON case_hand
FOR EACH ROW EXECUTE FUNCTION keep_case_hand();

CREATE TRIGGER case_hand_is_not_emptied BEFORE TRUNCATE ON case_hand
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER issue_look_is_kept BEFORE UPDATE OR DELETE ON issue_look
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER issue_look_is_not_emptied BEFORE TRUNCATE ON issue_look
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER act_is_kept BEFORE UPDATE OR DELETE ON act
FOR EACH ROW EXECUTE FUNCTION keep_but_for_texts('detail');

CREATE TRIGGER act_is_not_emptied BEFORE TRUNCATE ON act
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER issue_exclusion_is_kept BEFORE UPDATE OR DELETE ON issue_exclusion
FOR EACH ROW EXECUTE FUNCTION keep_but_for_texts('text');

CREATE TRIGGER issue_exclusion_is_not_emptied BEFORE TRUNCATE ON issue_exclusion
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the statistics are made of: every change is noted in its own transaction, so that facts
-- that were written down earlier are never taken for the present ones.

CREATE OR REPLACE FUNCTION note_issue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'case_file' THEN
        INSERT INTO issue_changed (case_id) VALUES (NEW.id);
    ELSE
        INSERT INTO issue_changed (case_id) VALUES (COALESCE(NEW.case_id, OLD.case_id));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER case_file_changed AFTER INSERT OR UPDATE ON case_file
FOR EACH ROW EXECUTE FUNCTION note_issue_changed();

CREATE TRIGGER issue_changed AFTER UPDATE ON issue
FOR EACH ROW EXECUTE FUNCTION note_issue_changed();

CREATE TRIGGER case_entry_changed AFTER INSERT ON case_entry
FOR EACH ROW WHEN (NEW.move = 'confirm') EXECUTE FUNCTION note_issue_changed();

CREATE TRIGGER case_call_changed AFTER INSERT OR UPDATE OR DELETE ON case_call
FOR EACH ROW EXECUTE FUNCTION note_issue_changed();

CREATE TRIGGER case_rest_changed AFTER INSERT OR UPDATE OR DELETE ON case_rest
FOR EACH ROW EXECUTE FUNCTION note_issue_changed();

CREATE TRIGGER issue_call_back_changed AFTER INSERT OR UPDATE OR DELETE ON issue_call_back
FOR EACH ROW EXECUTE FUNCTION note_issue_changed();

CREATE TRIGGER issue_exclusion_changed AFTER INSERT ON issue_exclusion
FOR EACH ROW EXECUTE FUNCTION note_issue_changed();

CREATE TRIGGER register_look_is_kept BEFORE UPDATE OR DELETE ON register_look
FOR EACH ROW EXECUTE FUNCTION keep_but_for_texts('reason');

CREATE TRIGGER register_look_is_not_emptied BEFORE TRUNCATE ON register_look
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Where something lies was looked up in the grid as it was before a reorganisation: whoever
-- writes it is told to look again, which requests do by themselves. See reorganisation/.

CREATE OR REPLACE FUNCTION keep_place_of_today() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE found_node node%ROWTYPE;
BEGIN
    SELECT * INTO found_node FROM node WHERE id = COALESCE(
        NEW.lane_id, NEW.grid_id, NEW.community_id, NEW.street_id, NEW.district_id);
    IF found_node.version > 1 AND EXISTS (
        SELECT FROM reorganised_node WHERE node_id = found_node.id
    ) AND (
        found_node.valid_until IS NOT NULL
        OR (NEW.district_id, NEW.street_id, NEW.community_id, NEW.grid_id, NEW.lane_id)
            IS DISTINCT FROM (found_node.district_id, found_node.street_id,
                found_node.community_id, found_node.grid_id, found_node.lane_id))
    THEN
        RAISE EXCEPTION 'the grid was reorganised meanwhile'
            USING ERRCODE = 'serialization_failure', CONSTRAINT = 'place_is_of_today',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION keep_node_of_today() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM node WHERE id = NEW.node_id AND version > 1
        AND valid_until IS NOT NULL
        AND EXISTS (SELECT FROM reorganised_node WHERE node_id = node.id))
    THEN
        RAISE EXCEPTION 'the grid was reorganised meanwhile'
            USING ERRCODE = 'serialization_failure', CONSTRAINT = 'place_is_of_today',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

DO $$
DECLARE one text;
BEGIN
    FOR one IN SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'node' AND column_name IN
            ('district_id', 'street_id', 'community_id', 'grid_id', 'lane_id')
        GROUP BY table_name HAVING count(*) = 5
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT'
            ' OR UPDATE OF district_id, street_id, community_id, grid_id, lane_id ON %I'
            ' FOR EACH ROW WHEN (current_setting(''neighborhood.reorganising'', true)'
            ' IS DISTINCT FROM ''on'') EXECUTE FUNCTION keep_place_of_today()',
            one || '_lies_in_todays_grid', one);
    END LOOP;
    FOREACH one IN ARRAY ARRAY['appointment', 'organization', 'canned_reply', 'shift',
        'handling_rule', 'boundary', 'layer_cover'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF node_id ON %I'
            ' FOR EACH ROW WHEN (current_setting(''neighborhood.reorganising'', true)'
            ' IS DISTINCT FROM ''on'') EXECUTE FUNCTION keep_node_of_today()',
            one || '_is_at_a_node_of_today', one);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION keep_parent_of_today() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE above node%ROWTYPE;
BEGIN
    SELECT * INTO above FROM node WHERE id = NEW.parent_id;
    IF above.version > 1 AND EXISTS (
        SELECT FROM reorganised_node WHERE node_id = above.id
    ) AND (
        above.valid_until IS NOT NULL
        OR (above.street_id, above.community_id, above.grid_id) IS DISTINCT FROM (
            CASE WHEN NEW.level > 1 THEN NEW.street_id END,
            CASE WHEN NEW.level > 2 THEN NEW.community_id END,
            CASE WHEN NEW.level > 3 THEN NEW.grid_id END))
    THEN
        RAISE EXCEPTION 'the grid was reorganised meanwhile'
            USING ERRCODE = 'serialization_failure', CONSTRAINT = 'place_is_of_today',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER node_lies_below_one_of_today BEFORE INSERT ON node
FOR EACH ROW WHEN (current_setting('neighborhood.reorganising', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION keep_parent_of_today();

-- Who answers was looked up before somebody left, or came: whoever gives her a case is told to
-- look again, which requests do by themselves. The lock has it wait for a change that is under
-- way. See grid/posts/changes.py.

CREATE OR REPLACE FUNCTION keep_duty_of_now() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changes integer;
BEGIN
    SELECT duty_changes INTO changes FROM node WHERE id = NEW.hand_node_id FOR SHARE;
    IF changes <> NEW.duty_seen THEN
        RAISE EXCEPTION 'somebody else answers there now'
            USING ERRCODE = 'serialization_failure', CONSTRAINT = 'duty_is_of_now',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER case_file_is_given_as_duty_is_now
BEFORE INSERT OR UPDATE OF hand_node_id, hand_person_id, duty_seen ON case_file
FOR EACH ROW WHEN (NEW.duty_seen IS NOT NULL AND current_setting('neighborhood.reorganising', true)
    IS DISTINCT FROM 'on') EXECUTE FUNCTION keep_duty_of_now();
