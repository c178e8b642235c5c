UPDATE t SET b = 'changed' WHERE a = 1;
UPDATE t SET large = NULL WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 2);
DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 0);
INSERT INTO t VALUES (7, NULL, 'short'), (7, NULL, 'short');
DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 7);
