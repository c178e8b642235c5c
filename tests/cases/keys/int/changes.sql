UPDATE kept SET note = note || '!' WHERE id % 2 = 0;
DELETE FROM kept WHERE id % 3 = 0;
INSERT INTO kept VALUES (3, 'again'), (2147483647, 'largest'), (-2147483648, 'smallest'), (0, NULL);
UPDATE kept SET id = 100 WHERE id = 1;
