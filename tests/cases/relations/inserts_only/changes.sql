INSERT INTO t VALUES ('two');
TRUNCATE keyed;
INSERT INTO keyed VALUES (1, 'one');
