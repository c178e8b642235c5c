-- they fire, as for any other writer
CREATE TABLE t (k int PRIMARY KEY, v text);
CREATE TABLE audit (what text, k int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app_columns_triggers_in_the_destination.audit VALUES (TG_OP, NEW.k);
    RETURN NEW;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER only_v AFTER UPDATE OF v ON t FOR EACH ROW EXECUTE FUNCTION note();
