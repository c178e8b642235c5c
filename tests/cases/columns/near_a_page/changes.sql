UPDATE t SET v = repeat('y', 8100) WHERE k = 1;
UPDATE t SET k = 10 WHERE k = 2;
UPDATE many_large SET c7 = 'short', c299 = NULL;
UPDATE many_large SET k = 2;
INSERT INTO many_large SELECT * FROM (SELECT (jsonb_populate_record(m, '{"k": 3}')).* FROM many_large AS m) AS copied;
