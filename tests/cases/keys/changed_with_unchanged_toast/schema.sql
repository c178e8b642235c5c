-- binary: all of these types can
CREATE TABLE t (k int PRIMARY KEY, v text, one text, two text);
ALTER TABLE t ALTER one SET STORAGE EXTERNAL, ALTER two SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, 'row ' || i, repeat('one' || i, 3000), repeat('two' || i, 3000) FROM generate_series(1, 12) AS i;
CREATE TABLE toasted_key (k text PRIMARY KEY, v int, large text);
ALTER TABLE toasted_key ALTER large SET STORAGE EXTERNAL;
INSERT INTO toasted_key
SELECT (SELECT string_agg(md5(i || '-' || j), '') FROM generate_series(1, 60) AS j), i, repeat(i::text, 5000)
FROM generate_series(1, 5) AS i;
