INSERT INTO t VALUES (3, '(3,c)', NULL);
UPDATE t SET v = '(4,d)' WHERE k = 2;
ALTER TYPE pair ADD ATTRIBUTE c numeric(10,2);
INSERT INTO t VALUES (4, '(5,e,6.5)', '{"(7,f,8.25)"}');
UPDATE t SET v.c = 1 WHERE k = 3;
ALTER TYPE pair RENAME ATTRIBUTE b TO "B b";
UPDATE t SET v."B b" = 'renamed' WHERE k = 1;
