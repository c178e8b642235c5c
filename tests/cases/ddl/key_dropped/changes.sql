ALTER TABLE dropped DROP CONSTRAINT dropped_pkey;
ALTER TABLE dropped REPLICA IDENTITY FULL;
INSERT INTO dropped SELECT 1, v FROM dropped WHERE k < 4;
UPDATE dropped SET v = 'x' WHERE k = 1;
DELETE FROM dropped WHERE k = 7;
ALTER TABLE dropped ALTER COLUMN k DROP NOT NULL;
INSERT INTO dropped VALUES (NULL, 'no key any more');
