DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 1);
DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 2);
DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE a IS NULL);
UPDATE t SET b = 'other' WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 1);
UPDATE t SET b = 'other' WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 2);
UPDATE t SET b = 'other' WHERE ctid = (SELECT min(ctid) FROM t WHERE a IS NULL);
BEGIN;
DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE a = 1 AND b = 'same' LIMIT 3);
INSERT INTO t VALUES (1, 'same');
UPDATE t SET b = 'same' WHERE a = 2 AND ctid = (SELECT min(ctid) FROM t WHERE a = 2 AND b IS NULL);
UPDATE t SET a = 1 WHERE a = 2 AND b = 'same';
COMMIT;
-- unchanged is a change as well
UPDATE t SET a = a;
