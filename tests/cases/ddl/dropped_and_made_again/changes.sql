UPDATE t SET v = 'before' WHERE k = 1;
DROP TABLE t;
CREATE TABLE t (k bigint, w int);
INSERT INTO t VALUES (1, 1), (1, 1);
DROP TABLE same;
CREATE TABLE same (k int PRIMARY KEY, v text);
INSERT INTO same VALUES (1, 'new');
UPDATE same SET v = 'newer';
