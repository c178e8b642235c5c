-- logical messages of others: also of a transaction that is undone, and with nothing else in it
BEGIN;
INSERT INTO t VALUES (1, 'undone');
SELECT pg_logical_emit_message(false, 'walferry', 'looks like ours');
SELECT pg_logical_emit_message(true, 'walferry', 'looks like ours');
ROLLBACK;
BEGIN;
SELECT pg_logical_emit_message(true, '', '');
INSERT INTO t VALUES (1, 'kept');
SAVEPOINT a;
SELECT pg_logical_emit_message(true, 'test', 'undone');
SELECT pg_logical_emit_message(false, 'test', repeat('large', 100000));
ROLLBACK TO a;
INSERT INTO t VALUES (2, 'kept');
SELECT pg_logical_emit_message(true, 'test', repeat('large', 100000));
COMMIT;
SELECT pg_logical_emit_message(true, 'walferry heartbeat', 'x');
INSERT INTO t VALUES (3, 'kept');
