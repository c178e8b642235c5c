CREATE TABLE t (v int, large text, wide jsonb);
ALTER TABLE t REPLICA IDENTITY FULL;
ALTER TABLE t ALTER large SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, repeat('x' || i, 4000), jsonb_build_object('k', (SELECT string_agg(md5(i || '-' || j), '') FROM generate_series(1, 200) AS j))
FROM generate_series(1, 10) AS i;
CREATE TABLE with_key (k int PRIMARY KEY, v int, large text);
ALTER TABLE with_key REPLICA IDENTITY FULL;
ALTER TABLE with_key ALTER large SET STORAGE EXTERNAL;
INSERT INTO with_key SELECT i, i, repeat('x' || i, 4000) FROM generate_series(1, 10) AS i;
