CREATE TABLE keyed (k int PRIMARY KEY, v text);
CREATE TABLE keyless (v text);
CREATE TABLE whole (v text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE left_empty (k int PRIMARY KEY);
INSERT INTO keyed SELECT i, 'row ' || i FROM generate_series(1, 10) AS i;
INSERT INTO keyless SELECT 'row' FROM generate_series(1, 10) AS i;
INSERT INTO whole SELECT 'row' FROM generate_series(1, 10) AS i;
INSERT INTO left_empty SELECT generate_series(1, 10);
