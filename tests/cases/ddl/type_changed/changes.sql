UPDATE t SET v = 'before' WHERE k = 1;
-- no row is touched
ALTER TABLE t ALTER v TYPE varchar(20), ALTER n TYPE numeric(9,2);
INSERT INTO t VALUES (200, 'more than ten bytes', 123456.78, 1, '1');
ALTER TABLE t ALTER v TYPE text;
UPDATE t SET v = repeat('long ', 10) WHERE k = 2;
-- all rows are
ALTER TABLE t ALTER i TYPE bigint;
UPDATE t SET i = 5000000000 WHERE k = 3;
ALTER TABLE t ALTER d TYPE numeric USING d::numeric * 2;
UPDATE t SET v = 'after' WHERE k = 4;
DELETE FROM t WHERE k = 5;
ALTER TABLE quiet ALTER v TYPE text USING 'was ' || v;
ALTER TABLE using_other_values ALTER v TYPE int USING v * 10;
ALTER TABLE key_type ALTER k TYPE bigint;
INSERT INTO key_type VALUES (5000000000, 1);
UPDATE key_type SET v = 0 WHERE k = 7;
