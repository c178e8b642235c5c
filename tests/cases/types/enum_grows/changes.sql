-- added, and used at once
ALTER TYPE mood ADD VALUE 'happy';
INSERT INTO t VALUES (3, 'happy', '{happy,sad}', 'happy');
INSERT INTO keyed VALUES ('happy', 3);
INSERT INTO whole VALUES ('happy');
-- between others, used in a transaction that writes to other tables before
ALTER TYPE mood ADD VALUE 'middling' BEFORE 'ok';
ALTER TYPE mood ADD VALUE 'first' BEFORE 'sad';
BEGIN;
UPDATE keyed SET v = v + 10;
UPDATE t SET v = 'middling', vs = vs || 'first'::mood WHERE k <= 2;
UPDATE keyed SET k = 'middling' WHERE k = 'happy';
DELETE FROM whole WHERE v = 'happy';
INSERT INTO whole VALUES ('first'), ('middling'), ('middling');
COMMIT;
DELETE FROM keyed WHERE k = 'middling';
INSERT INTO t SELECT n, 'happy', '{}', 'first' FROM generate_series(10, 30) AS n;
-- a type made now, with a table for it
CREATE TYPE late AS ENUM ('a');
CREATE TABLE late_table (k late PRIMARY KEY);
INSERT INTO late_table VALUES ('a');
