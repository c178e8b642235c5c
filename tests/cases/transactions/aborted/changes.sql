BEGIN;
UPDATE t SET v = 'undone';
INSERT INTO t SELECT i, 'undone' FROM generate_series(2, 1000) AS i;
ROLLBACK;
\set ON_ERROR_STOP off
BEGIN;
INSERT INTO t VALUES (2, 'undone by the error');
INSERT INTO t VALUES (1, 'a second one');
INSERT INTO t VALUES (3, 'not even run');
COMMIT;
INSERT INTO t VALUES (4, 'fails as a whole'), (1, 'a second one');
\set ON_ERROR_STOP on
INSERT INTO t VALUES (5, 'stays');
