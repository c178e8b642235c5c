CREATE TABLE plain (a int, b text, c date, v text, PRIMARY KEY (a, b, c));
INSERT INTO plain SELECT i % 3, 'b' || i, date '2020-01-01' + i, 'v' || i FROM generate_series(1, 30) AS i;
-- the key's order is not the columns' order
CREATE TABLE other_order (v text, b text, a int, PRIMARY KEY (a, b));
INSERT INTO other_order SELECT 'v' || i, 'b' || i, i % 3 FROM generate_series(1, 30) AS i;
CREATE TABLE with_include (a int, v text, PRIMARY KEY (a) INCLUDE (v));
INSERT INTO with_include SELECT i, 'v' || i FROM generate_series(1, 10) AS i;
CREATE TABLE only_key (a int, b int, PRIMARY KEY (b, a));
INSERT INTO only_key SELECT i, -i FROM generate_series(1, 10) AS i;
