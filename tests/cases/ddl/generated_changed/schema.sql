-- joins: shapes change
CREATE TABLE added (k int PRIMARY KEY, a int);
INSERT INTO added SELECT i, i FROM generate_series(1, 100) AS i;
CREATE TABLE dropped (k int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO dropped (k, a) SELECT i, i FROM generate_series(1, 100) AS i;
