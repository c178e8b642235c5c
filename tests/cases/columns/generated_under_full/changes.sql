UPDATE keyless SET a = 5 WHERE ctid = '(0,1)';
DELETE FROM keyless WHERE ctid = '(0,2)';
INSERT INTO keyless VALUES (7);
