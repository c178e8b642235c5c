-- binary: all of these types can
CREATE TABLE t (k int PRIMARY KEY, a text, b text, c bytea, d jsonb, v int);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL, ALTER c SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, repeat('a' || i, 3000), repeat('b' || i, 3000), decode(repeat('00ff', 3000), 'hex'),
    jsonb_build_object('k', (SELECT string_agg(md5(i || '-' || j), '') FROM generate_series(1, 200) AS j)), i
FROM generate_series(1, 24) AS i;
