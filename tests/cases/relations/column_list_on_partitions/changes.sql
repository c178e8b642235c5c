UPDATE root SET secret = 'more';
UPDATE root SET v = 'changed' WHERE k < 4;
UPDATE root SET part = 3 - part WHERE k IN (5, 6);
DELETE FROM root WHERE k = 7;
INSERT INTO root VALUES (20, 1, 'secret', 'new'), (21, 2, 'secret', 'new');
UPDATE swapped SET c = 'by a' WHERE a = 1;
-- another identity, of columns that are published too
ALTER TABLE swapped REPLICA IDENTITY USING INDEX swapped_b;
UPDATE swapped SET c = 'by b' WHERE b = 20;
UPDATE swapped SET b = b + 1 WHERE a = 3;
DELETE FROM swapped WHERE b = 40;
ALTER TABLE swapped REPLICA IDENTITY DEFAULT;
UPDATE swapped SET c = 'by a again', secret = 'x' WHERE a > 8;
