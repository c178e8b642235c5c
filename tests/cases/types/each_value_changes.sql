-- One of two rows of each value deleted; keys of every value inserted, their rows changed, deleted,
-- made again, and moved to another key.
DO $$
DECLARE
    keyed name;
    statement text;
BEGIN
    FOR keyed IN
        SELECT relname FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relname ~ '^t\d+_gone$'
        ORDER BY relname
    LOOP
        EXECUTE format(
            'DELETE FROM %1$I USING (
                 SELECT ctid AS place, row_number() OVER (ORDER BY ctid) AS nth,
                        count(*) OVER () AS rows FROM %1$I) AS r
             WHERE %1$I.ctid = r.place AND r.nth > r.rows / 2', keyed);
    END LOOP;
    FOR keyed IN
        SELECT relname FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
          AND relname ~ '^t\d+_key$'
        ORDER BY relname
    LOOP
        FOREACH statement IN ARRAY ARRAY[
            'INSERT INTO %1$I SELECT v, min(k) FROM %2$I
             WHERE v IS NOT NULL AND pg_column_size(v) < 1000 GROUP BY v ON CONFLICT DO NOTHING',
            'UPDATE %1$I SET n = n + 1',
            'CREATE TEMPORARY TABLE gone AS SELECT * FROM %1$I WHERE n %% 2 = 0',
            'DELETE FROM %1$I WHERE n %% 2 = 0',
            -- to the first key that is free
            'UPDATE %1$I SET v = (SELECT v FROM gone ORDER BY n LIMIT 1)
             WHERE v = (SELECT v FROM %1$I ORDER BY n DESC LIMIT 1) AND EXISTS (SELECT FROM gone)',
            'INSERT INTO %1$I SELECT * FROM gone ON CONFLICT DO NOTHING',
            'DROP TABLE gone'
        ] LOOP
            EXECUTE format(statement, keyed, replace(keyed, '_key', ''));
        END LOOP;
    END LOOP;
END $$;
