UPDATE t SET v = v + 1 WHERE v % 2 = 0;
DELETE FROM t WHERE v % 5 = 0;
UPDATE t SET k = md5('new' || k)::uuid WHERE v % 7 = 0;
INSERT INTO t VALUES ('00000000-0000-0000-0000-000000000000', 0), ('ffffffff-ffff-ffff-ffff-ffffffffffff', 1);
