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

CREATE TRIGGER case_entry_is_not_emptied BEFORE TRUNCATE ON case_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER trail_is_not_emptied BEFORE TRUNCATE ON trail
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER case_entry_is_kept BEFORE UPDATE OR DELETE ON case_entry
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER trail_is_kept BEFORE DELETE ON trail
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER trail_is_sealed_once BEFORE UPDATE ON trail
FOR EACH ROW WHEN (OLD.position IS NOT NULL)
EXECUTE FUNCTION refuse_change();

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
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER act_is_not_emptied BEFORE TRUNCATE ON act
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER issue_exclusion_is_kept BEFORE UPDATE OR DELETE ON issue_exclusion
FOR EACH ROW EXECUTE FUNCTION refuse_change();

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
