-- from: 18
CREATE TABLE t (k int PRIMARY KEY, a int, sum int GENERATED ALWAYS AS (a + k) VIRTUAL, v text);
INSERT INTO t (k, a, v) SELECT i, i * 2, 'row ' || i FROM generate_series(1, 20) AS i;
