-- as another replication system would write
SELECT pg_replication_origin_create('cases_elsewhere') \g /dev/null
SELECT pg_replication_origin_session_setup('cases_elsewhere');
BEGIN;
SELECT pg_replication_origin_xact_setup('0/1234', '2020-01-01');
UPDATE t SET v = 'from elsewhere' WHERE k = 1;
INSERT INTO t VALUES (2, 'from elsewhere');
COMMIT;
SELECT pg_replication_origin_session_reset();
UPDATE t SET v = v || ', from here';
SELECT pg_replication_origin_drop('cases_elsewhere');
