-- another session begins first and commits last, another time the other way round
SELECT dblink_connect('other', format('host=%s port=%s user=postgres dbname=%s', :'HOST', :'PORT', :'DBNAME'));
SELECT dblink_exec('other', 'BEGIN');
SELECT dblink_exec('other', 'UPDATE transactions_interleaved.t SET v = ''other, first'' WHERE k = 1');
BEGIN;
UPDATE t SET v = 'this' WHERE k = 2;
COMMIT;
SELECT dblink_exec('other', 'UPDATE transactions_interleaved.t SET v = v || '', other'' WHERE k = 2');
SELECT dblink_exec('other', 'COMMIT');
UPDATE t SET v = v || ', this' WHERE k IN (1, 2);
BEGIN;
DELETE FROM t WHERE k = 3;
SELECT dblink_exec('other', 'BEGIN');
SELECT dblink_exec('other', 'DELETE FROM transactions_interleaved.t WHERE k = 4');
COMMIT;
SELECT dblink_exec('other', 'INSERT INTO transactions_interleaved.t VALUES (3, ''back'')');
SELECT dblink_exec('other', 'COMMIT');
SELECT dblink_disconnect('other');
