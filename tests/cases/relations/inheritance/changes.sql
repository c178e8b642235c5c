UPDATE parent SET v = v || '!';
DELETE FROM ONLY parent WHERE k = 1;
UPDATE parent SET k = 10 WHERE k = 1;
INSERT INTO child VALUES (5, 'child', 5);
TRUNCATE ONLY child;
INSERT INTO child VALUES (1, 'after', 1);
