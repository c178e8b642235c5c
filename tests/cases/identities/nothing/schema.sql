-- from: 11
CREATE TABLE t (k int PRIMARY KEY, v text);
ALTER TABLE t REPLICA IDENTITY NOTHING;
INSERT INTO t VALUES (1, 'one');
CREATE TABLE no_key (v text);
INSERT INTO no_key VALUES ('twice'), ('twice'), (NULL);
