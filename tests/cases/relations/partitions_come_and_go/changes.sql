ALTER TABLE root ATTACH PARTITION comes FOR VALUES FROM (200) TO (400);
UPDATE root SET v = 'changed' WHERE k % 10 = 0;
ALTER TABLE root DETACH PARTITION goes;
-- keys that the partition had
CREATE TABLE root_again PARTITION OF root FOR VALUES FROM (100) TO (200);
INSERT INTO root SELECT i, 'again ' || i FROM generate_series(100, 105) AS i;
DROP TABLE shrunk_dropped;
TRUNCATE shrunk_truncated;
INSERT INTO shrunk VALUES (100, 'after');
ALTER TABLE rewritten ALTER v TYPE text USING 'rewritten ' || v;
ALTER TABLE nested ATTACH PARTITION nested_own FOR VALUES FROM (0) TO (100);
UPDATE nested SET v = 'changed' WHERE k = 3;
