-- from: 12
-- binary: all of these types can
CREATE TABLE t (k int PRIMARY KEY, a int, sum int GENERATED ALWAYS AS (a + k) STORED, v text, upper text GENERATED ALWAYS AS (upper(v) || '!') STORED, last int);
INSERT INTO t (k, a, v, last) SELECT i, i * 2, 'row ' || i, i FROM generate_series(1, 20) AS i;
CREATE TABLE nothing_else (k int PRIMARY KEY, g text GENERATED ALWAYS AS ('fixed') STORED);
INSERT INTO nothing_else SELECT generate_series(1, 3);
