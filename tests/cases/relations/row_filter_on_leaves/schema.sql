CREATE TABLE root (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE low PARTITION OF root FOR VALUES FROM (0) TO (100);
CREATE TABLE high PARTITION OF root FOR VALUES FROM (100) TO (1000);
INSERT INTO root SELECT i, 'row ' || i FROM generate_series(80, 120) AS i;
CREATE TABLE parent (k int PRIMARY KEY, v text);
CREATE TABLE child (PRIMARY KEY (k)) INHERITS (parent);
INSERT INTO parent VALUES (1, 'no'), (20, 'yes');
INSERT INTO child VALUES (2, 'no'), (30, 'yes');
