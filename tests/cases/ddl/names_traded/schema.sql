-- in place: no row changes by it
CREATE TABLE a (k int PRIMARY KEY, v text);
INSERT INTO a VALUES (1, 'a');
CREATE TABLE b (k int PRIMARY KEY, v text);
INSERT INTO b VALUES (1, 'b'), (2, 'b');
CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t VALUES (1, 'old');
CREATE TABLE t_new (k int PRIMARY KEY, v text);
INSERT INTO t_new VALUES (1, 'new'), (2, 'new');
CREATE TABLE gone (k int PRIMARY KEY, v text);
INSERT INTO gone VALUES (1, 'gone');
CREATE TABLE heir (k int PRIMARY KEY, v text);
INSERT INTO heir VALUES (3, 'heir');
