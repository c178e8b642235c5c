UPDATE t SET v = v + 1;
UPDATE t SET plain = repeat('q', 200), v = 0 WHERE k = 2;
UPDATE t SET k = 10 WHERE k = 3;
ALTER TABLE t ALTER extended SET STORAGE EXTERNAL;
UPDATE t SET extended = repeat('y', 100000) WHERE k = 1;
UPDATE t SET v = 7 WHERE k = 1;
