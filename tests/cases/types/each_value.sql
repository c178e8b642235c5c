-- The values of the tables t01, t02 … once more: twice each in a table without a key, and as keys
-- where their type can be one and an index takes them; every other one is there before.
DO $$
DECLARE
    base name;
BEGIN
    FOR base IN
        SELECT relname FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relname ~ '^t\d+$'
        ORDER BY relname
    LOOP
        EXECUTE format('CREATE TABLE %1$I AS SELECT v FROM %2$I UNION ALL SELECT v FROM %2$I',
                       base || '_gone', base);
        EXECUTE format('ALTER TABLE %I REPLICA IDENTITY FULL', base || '_gone');
        BEGIN
            EXECUTE format('CREATE TABLE %1$I (v, n) AS SELECT v, min(k) FROM %2$I
                            WHERE v IS NOT NULL AND pg_column_size(v) < 1000 AND k %% 2 = 1
                            GROUP BY v', base || '_key', base);
            EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (v)', base || '_key');
        EXCEPTION WHEN undefined_function OR undefined_object THEN
            -- no equality, or no order
        END;
    END LOOP;
END $$;
