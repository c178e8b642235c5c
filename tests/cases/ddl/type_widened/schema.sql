-- in place: the source touches no row
CREATE TABLE longer (k int PRIMARY KEY, v varchar(10), n numeric(5,2));
INSERT INTO longer SELECT i, 'row ' || i, i FROM generate_series(1, 100) AS i;
CREATE TABLE endless (k int PRIMARY KEY, v varchar(10));
INSERT INTO endless SELECT i, 'row ' || i FROM generate_series(1, 100) AS i;
CREATE TABLE quiet (k int PRIMARY KEY, v varchar(10));
INSERT INTO quiet SELECT i, i FROM generate_series(1, 100) AS i;
