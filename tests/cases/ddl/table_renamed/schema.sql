-- in place: no row changes by it
CREATE TABLE one (k int PRIMARY KEY, v text);
INSERT INTO one VALUES (1, 'one');
CREATE TABLE two (k int PRIMARY KEY, v text);
INSERT INTO two VALUES (2, 'two');
CREATE TABLE quiet (k int PRIMARY KEY, v text);
INSERT INTO quiet VALUES (3, 'three');
CREATE TABLE moving (k int PRIMARY KEY, v text);
INSERT INTO moving VALUES (4, 'four');
