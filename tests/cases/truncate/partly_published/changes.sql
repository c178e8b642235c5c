TRUNCATE unpublished, t;
INSERT INTO t VALUES (2, 'two');
TRUNCATE unpublished;
BEGIN;
TRUNCATE second, unpublished, t RESTART IDENTITY;
INSERT INTO second VALUES (3, 'three');
COMMIT;
INSERT INTO t VALUES (4, 'four');
