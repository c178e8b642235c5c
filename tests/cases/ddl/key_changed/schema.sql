-- in place: no row changes by it
CREATE TABLE added (k int NOT NULL, v text);
ALTER TABLE added REPLICA IDENTITY FULL;
INSERT INTO added SELECT i, 'row ' || i FROM generate_series(1, 100) AS i;
CREATE TABLE another (k int PRIMARY KEY, v int NOT NULL);
INSERT INTO another SELECT i, 1000 - i FROM generate_series(1, 100) AS i;
