-- A column of a type that only goes as text, so that the load of each value once more is text, too.
DO $$
DECLARE
    gone record;
BEGIN
    FOR gone IN
        SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname ~ '^types_' AND c.relname ~ '^t\d+_gone$'
    LOOP
        EXECUTE format('ALTER TABLE %I.%I ADD only_text aclitem', gone.nspname, gone.relname);
    END LOOP;
END $$;
