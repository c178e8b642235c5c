CREATE TABLE root (k int, part text, v text, PRIMARY KEY (k, part)) PARTITION BY LIST (part);
CREATE TABLE root_a PARTITION OF root FOR VALUES IN ('a');
CREATE TABLE root_b PARTITION OF root FOR VALUES IN ('b') PARTITION BY RANGE (k);
CREATE TABLE root_b_low PARTITION OF root_b FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE root_b_high (v text, part text NOT NULL, k int NOT NULL);
ALTER TABLE root_b ATTACH PARTITION root_b_high FOR VALUES FROM (100) TO (MAXVALUE);
CREATE TABLE root_rest PARTITION OF root DEFAULT;
INSERT INTO root SELECT i, substr('abc', 1 + i % 3, 1), 'row ' || i FROM generate_series(80, 120) AS i;
