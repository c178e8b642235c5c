-- joins: tables are loaded again
-- what partitions of a table that is sent as one bring and take along sends no message
CREATE TABLE root (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE stays PARTITION OF root FOR VALUES FROM (0) TO (100);
CREATE TABLE goes PARTITION OF root FOR VALUES FROM (100) TO (200);
CREATE TABLE comes (v text, k int PRIMARY KEY);
INSERT INTO root SELECT i, 'row ' || i FROM generate_series(90, 110) AS i;
INSERT INTO comes SELECT 'came ' || i, i FROM generate_series(290, 310) AS i;
CREATE TABLE visits (k int PRIMARY KEY, v text);
INSERT INTO visits SELECT i, 'visits ' || i FROM generate_series(490, 510) AS i;
CREATE TABLE is_seen (k int PRIMARY KEY, v text);
INSERT INTO is_seen SELECT i, 'seen ' || i FROM generate_series(690, 710) AS i;
CREATE TABLE shrunk (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE shrunk_dropped PARTITION OF shrunk FOR VALUES FROM (0) TO (100);
CREATE TABLE shrunk_truncated PARTITION OF shrunk FOR VALUES FROM (100) TO (200);
CREATE TABLE shrunk_stays PARTITION OF shrunk DEFAULT;
INSERT INTO shrunk SELECT i, 'row ' || i FROM generate_series(90, 210) AS i;
CREATE TABLE rewritten (k int PRIMARY KEY, v text) PARTITION BY HASH (k);
CREATE TABLE rewritten_0 PARTITION OF rewritten FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE rewritten_1 PARTITION OF rewritten FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO rewritten SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE nested (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE nested_own (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE nested_leaf PARTITION OF nested_own FOR VALUES FROM (0) TO (10);
INSERT INTO nested_own SELECT i, 'row ' || i FROM generate_series(0, 9) AS i;
