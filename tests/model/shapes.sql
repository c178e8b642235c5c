-- The tables of a history that changes shapes, and what gives them rows whatever their columns are.
CREATE TABLE t (k int PRIMARY KEY, a int, b text);
INSERT INTO t SELECT i, i, 'row ' || i FROM generate_series(1, 5) AS i;
CREATE TABLE copies (k int, a text, b numeric(5,2));
ALTER TABLE copies REPLICA IDENTITY FULL;
INSERT INTO copies SELECT i % 2, 'copy', 1.5 FROM generate_series(1, 4) AS i;

-- a row with the same value in all columns but the key
CREATE FUNCTION put(place regclass, k int, v text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    image jsonb;
BEGIN
    SELECT jsonb_object_agg(attname, v) || jsonb_build_object('k', k) INTO image
    FROM pg_attribute WHERE attrelid = place AND attnum > 0 AND NOT attisdropped;
    EXECUTE format(
        'INSERT INTO %1$s SELECT (jsonb_populate_record(NULL::%1$s, $1)).* ON CONFLICT DO NOTHING',
        place
    ) USING image;
END $$;

-- another value in one column of some rows
CREATE FUNCTION touch(place regclass, nth int, v text, which text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    names text[];
BEGIN
    SELECT array_agg(attname ORDER BY attnum) INTO names
    FROM pg_attribute
    WHERE attrelid = place AND attnum > 0 AND NOT attisdropped AND attname <> 'k';
    EXECUTE format(
        'UPDATE %s SET %I = %L WHERE %s', place, names[1 + nth % cardinality(names)], v, which
    );
END $$;
