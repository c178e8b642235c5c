INSERT INTO root VALUES (1, 'odd'), (2, 'even'), (501, 'odd'), (502, 'even');
UPDATE root SET v = 'changed' WHERE k % 4 < 2;
UPDATE root SET k = 600 WHERE k = 90;
UPDATE root SET k = 601 WHERE k = 92;
UPDATE root SET k = 604 WHERE k = 601;
DELETE FROM root WHERE k IN (94, 95, 110, 111);
INSERT INTO low VALUES (3, 'through the leaf'), (4, 'through the leaf');
