-- each table: a value changed, one deleted, one that comes back under its key, one that moves
CREATE FUNCTION work(name text, moved text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %I SET v = v || ''!''', name);
    EXECUTE format('DELETE FROM %I WHERE v = ''1!''', name);
    IF moved IS NOT NULL THEN
        EXECUTE format('UPDATE %I SET k = %L WHERE v = ''3!''', name, moved);
    END IF;
    EXECUTE format('CREATE TEMP TABLE gone AS SELECT * FROM %I WHERE v = ''2!''', name);
    EXECUTE format('DELETE FROM %I WHERE v = ''2!''', name);
    EXECUTE format('INSERT INTO %I SELECT k, ''back'' FROM gone', name);
    DROP TABLE gone;
END $$;
SELECT work('of_bool', NULL);
SELECT work('of_int2', '5');
SELECT work('of_int8', '5');
SELECT work('of_oid', '5');
SELECT work('of_char', 'b');
SELECT work('of_money', '5.55');
SELECT work('of_date', '5874897-12-31');
SELECT work('of_time', '05:00');
SELECT work('of_timetz', '00:00+05');
SELECT work('of_interval', '1 day');
SELECT work('of_inet', '192.168.0.1/24');
SELECT work('of_cidr', '192.168.0.0/24');
SELECT work('of_macaddr', '00:00:00:00:00:05');
SELECT work('of_macaddr8', '00:00:00:00:00:00:00:05');
SELECT work('of_bit', '0011');
SELECT work('of_varbit', '0011');
SELECT work('of_jsonb', '{"b": null}');
SELECT work('of_pg_lsn', '5/5');
SELECT work('of_xid8', '5');
SELECT work('of_tid', '(5,5)');
SELECT work('of_int4range', '[5,6)');
SELECT work('of_multirange', '{[5,6)}');
SELECT work('of_array', '{5,5}');
SELECT work('of_texts', '{5}');
SELECT work('of_tsvector', 'five');
SELECT work('of_tsquery', 'five');
SELECT work('of_regclass', '5');
SELECT work('of_oidvector', '5 5');
