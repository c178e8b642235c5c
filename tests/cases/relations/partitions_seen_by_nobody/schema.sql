-- joins: tables are loaded again
-- partitions that are made, filled and gone, or emptied, before anybody looks at the catalogs
CREATE TABLE at_once (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE at_once_stays PARTITION OF at_once FOR VALUES FROM (0) TO (100);
INSERT INTO at_once SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE in_steps (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE in_steps_stays PARTITION OF in_steps FOR VALUES FROM (0) TO (100);
INSERT INTO in_steps SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE detached (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE detached_stays PARTITION OF detached FOR VALUES FROM (0) TO (100);
INSERT INTO detached SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE nested (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE nested_part PARTITION OF nested FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (k);
CREATE TABLE nested_stays PARTITION OF nested_part FOR VALUES FROM (0) TO (100);
INSERT INTO nested SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE emptied (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE emptied_stays PARTITION OF emptied FOR VALUES FROM (0) TO (100);
INSERT INTO emptied SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE stays (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE stays_stays PARTITION OF stays FOR VALUES FROM (0) TO (100);
INSERT INTO stays SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
