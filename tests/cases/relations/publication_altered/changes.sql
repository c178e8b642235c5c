UPDATE filtered SET v = 'before' WHERE k IN (3, 13);
UPDATE steady SET v = 'before' WHERE k < 5;
ALTER PUBLICATION walferry_app
    SET TABLE filtered WHERE (k > 5), listed (k, b), away, steady, public.fence;
-- rows that the destination does not have
UPDATE filtered SET v = 'after' WHERE k IN (7, 17);
DELETE FROM filtered WHERE k IN (8, 18);
UPDATE listed SET b = 'after' WHERE k < 5;
INSERT INTO listed VALUES (30, 'a', 'b');
ALTER PUBLICATION walferry_app DROP TABLE away;
UPDATE away SET v = 'unseen' WHERE k < 5;
DELETE FROM away WHERE k = 10;
INSERT INTO away VALUES (40, 'unseen');
ALTER PUBLICATION walferry_app ADD TABLE away;
UPDATE away SET v = 'seen' WHERE k IN (4, 40);
UPDATE steady SET v = 'after' WHERE k > 15;
