DELETE FROM t WHERE j::text = '{"a": 1}';
UPDATE t SET c = 'z' WHERE p[0]::text = '-0';
UPDATE t SET n = 1.000 WHERE f::text = '-0';
UPDATE t SET c = 'q' WHERE j IS NULL;
DELETE FROM t WHERE n::text = '1' AND p[0]::text = '0';
