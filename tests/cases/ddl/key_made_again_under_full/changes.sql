-- until it is noticed, rows are found by their keys
ALTER TABLE t DROP CONSTRAINT t_pkey;
BEGIN;
INSERT INTO t VALUES (1, 'second');
DELETE FROM t WHERE v = 'first';
COMMIT;
ALTER TABLE t ADD PRIMARY KEY (k);
UPDATE t SET v = 'changed' WHERE k = 2;
REINDEX INDEX reindexed_pkey;
UPDATE reindexed SET v = 'changed';
