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
