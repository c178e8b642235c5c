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
-- tables with copies of their own, for a moment and for longer
ALTER TABLE root ATTACH PARTITION visits FOR VALUES FROM (400) TO (600);
INSERT INTO root VALUES (400, 'as a part'), (511, 'as a part');
UPDATE root SET v = 'changed as a part' WHERE k = 500;
ALTER TABLE root DETACH PARTITION visits;
UPDATE visits SET v = 'on its own' WHERE k IN (500, 511);
ALTER TABLE root ATTACH PARTITION is_seen FOR VALUES FROM (600) TO (800);
INSERT INTO root VALUES (600, 'as a part');
SELECT pg_sleep(1.5);
ALTER TABLE root DETACH PARTITION is_seen;
UPDATE is_seen SET v = 'on its own' WHERE k IN (600, 700);
