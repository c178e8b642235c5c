UPDATE t SET a = NULL, e = NULL, m = NULL WHERE k % 5 = 0;
UPDATE t SET b = k, j = NULL, v = NULL WHERE k % 7 = 0;
UPDATE t SET k = k + 1000, g = g + interval '1 hour' WHERE k % 11 = 0;
DELETE FROM t WHERE k % 13 = 0;
INSERT INTO t (k) SELECT generate_series(5000, 5010);
INSERT INTO t SELECT (jsonb_populate_record(t, '{"k": 6000}')).* FROM t WHERE k = 1;
