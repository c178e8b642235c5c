-- joins: a table is made
-- alone: its labels are renamed and added while rows are on their way
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN feeling AS mood;
CREATE TABLE t (k int PRIMARY KEY, v mood, vs mood[], d feeling);
INSERT INTO t VALUES (1, 'sad', '{ok}', 'sad'), (2, 'ok', '{sad,ok}', 'ok');
CREATE TABLE keyed (k mood PRIMARY KEY, v int);
INSERT INTO keyed VALUES ('sad', 1), ('ok', 2);
CREATE TABLE whole (v mood);
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO whole VALUES ('sad'), ('sad'), (NULL);
