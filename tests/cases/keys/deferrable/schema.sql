-- a deferrable primary key identifies no rows: the source allows inserts only
CREATE TABLE t (k int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
INSERT INTO t VALUES (1, 'one');
CREATE TABLE under_full (k int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
ALTER TABLE under_full REPLICA IDENTITY FULL;
INSERT INTO under_full SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE unique_too (k int PRIMARY KEY, u int UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO unique_too SELECT i, i FROM generate_series(1, 20) AS i;
