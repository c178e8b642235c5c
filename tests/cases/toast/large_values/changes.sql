UPDATE t SET v = 2;
UPDATE t SET k = 2;
INSERT INTO t VALUES (3, repeat(E'tab\tand\nline\\', 1000000), decode(repeat('5c', 8000000), 'hex'), 3);
UPDATE t SET raw = NULL WHERE k = 3;
