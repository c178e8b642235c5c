CREATE TABLE keyed (k int PRIMARY KEY, v text);
CREATE TABLE whole (v text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE added (v text);
INSERT INTO keyed SELECT i, 'row ' || i FROM generate_series(1, 10) AS i;
INSERT INTO whole SELECT 'row' FROM generate_series(1, 10) AS i;
INSERT INTO added SELECT 'row' FROM generate_series(1, 10) AS i;
