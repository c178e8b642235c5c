UPDATE root SET v = 'changed' WHERE k % 4 = 0;
UPDATE root SET part = 'b' WHERE part = 'a' AND k < 90;
UPDATE root SET k = k + 100 WHERE part = 'b' AND k < 95;
DELETE FROM root WHERE k % 7 = 0;
INSERT INTO root VALUES (1, 'new', 'in default');
TRUNCATE root_b_low;
INSERT INTO root VALUES (2, 'b', 'after truncate');
