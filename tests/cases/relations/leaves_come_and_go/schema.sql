-- joins: tables are loaded again
-- partitions that are sent as tables of their own
CREATE TABLE root (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE stays PARTITION OF root FOR VALUES FROM (0) TO (100);
CREATE TABLE goes PARTITION OF root FOR VALUES FROM (100) TO (200);
CREATE TABLE returns PARTITION OF root FOR VALUES FROM (200) TO (300);
CREATE TABLE comes (k int PRIMARY KEY, v text);
INSERT INTO root SELECT i * 10, 'row ' || i FROM generate_series(0, 29) AS i;
INSERT INTO comes SELECT i, 'came ' || i FROM generate_series(310, 320) AS i;
