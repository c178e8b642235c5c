UPDATE twice SET v = 'before' WHERE k < 20;
UPDATE listed SET a = 'before', b = 'unseen' WHERE k < 5;
UPDATE inserts_by_one SET v = 'before' WHERE k < 5;
ALTER PUBLICATION walferry_app_more SET (publish = 'insert, update, delete, truncate');
-- rows that the destination does not have
ALTER PUBLICATION walferry_app_more SET TABLE twice WHERE (k > 12), listed (k, a), inserts_by_one;
UPDATE twice SET v = 'after' WHERE k % 5 = 0;
DELETE FROM twice WHERE k IN (8, 14, 22);
UPDATE listed SET a = 'after' WHERE k < 3;
-- before, between and after it is sent by either
UPDATE handed_over SET v = 'before' WHERE k = 1;
ALTER PUBLICATION walferry_app_more ADD TABLE handed_over;
ALTER PUBLICATION walferry_app DROP TABLE handed_over;
UPDATE handed_over SET v = 'after' WHERE k IN (1, 2);
INSERT INTO handed_over VALUES (11, 'after');
ALTER PUBLICATION walferry_app_more ADD TABLE joins;
UPDATE joins SET v = 'after' WHERE k < 5;
ALTER PUBLICATION walferry_app SET (publish = 'insert');
UPDATE inserts_by_one SET v = 'after' WHERE k > 8;
