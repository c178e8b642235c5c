UPDATE first SET v = 'changed';
INSERT INTO relations_second.t VALUES (1, 'one');
CREATE TABLE later (k int PRIMARY KEY, v text);
INSERT INTO later VALUES (1, 'one'), (2, 'two');
UPDATE later SET v = 'changed' WHERE k = 2;
