BEGIN;
TRUNCATE root;
INSERT INTO root VALUES (1, 'after'), (200, 'after');
COMMIT;
UPDATE root SET k = k + 150;
