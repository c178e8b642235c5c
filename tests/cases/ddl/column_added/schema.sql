-- in place: no row changes by it
CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 100) AS i;
CREATE TABLE quiet (k int PRIMARY KEY, v text);
INSERT INTO quiet VALUES (1, 'one');
CREATE TABLE keyless (v text);
ALTER TABLE keyless REPLICA IDENTITY FULL;
INSERT INTO keyless VALUES ('a'), ('a');
