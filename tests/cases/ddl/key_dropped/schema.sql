-- joins: rows of one key may have been taken for one
CREATE TABLE dropped (k int PRIMARY KEY, v text);
INSERT INTO dropped SELECT i, 'row ' || i FROM generate_series(1, 100) AS i;
