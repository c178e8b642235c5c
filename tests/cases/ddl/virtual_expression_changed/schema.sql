-- from: 18
-- joins: tables are loaded again
-- rows are not touched, and still every value is another one
CREATE TABLE t (k int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + k) VIRTUAL);
INSERT INTO t SELECT i, i * 10 FROM generate_series(1, 50) AS i;
CREATE TABLE retyped (k int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + k) VIRTUAL);
INSERT INTO retyped SELECT i, i * 10 FROM generate_series(1, 50) AS i;
CREATE TABLE renamed (k int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + k) VIRTUAL);
INSERT INTO renamed SELECT i, i * 10 FROM generate_series(1, 50) AS i;
