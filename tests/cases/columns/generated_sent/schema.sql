-- from: 18
-- the publication sends what the source computes
CREATE TABLE t (k int PRIMARY KEY, a int, sum int GENERATED ALWAYS AS (a + k) STORED, v text);
INSERT INTO t (k, a, v) SELECT i, i * 2, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE keyed (a int, k int GENERATED ALWAYS AS (a * 10) STORED PRIMARY KEY, v text);
INSERT INTO keyed (a, v) SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE keyless (a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
ALTER TABLE keyless REPLICA IDENTITY FULL;
INSERT INTO keyless SELECT i % 3 FROM generate_series(1, 9) AS i;
CREATE TABLE prepared (k int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO prepared SELECT i, i FROM generate_series(1, 9) AS i;
