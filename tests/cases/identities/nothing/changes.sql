INSERT INTO t VALUES (2, 'two'), (3, NULL);
INSERT INTO no_key VALUES ('twice'), (NULL), ('');
TRUNCATE t;
INSERT INTO t VALUES (1, 'one again');
