-- joins: a table is made
CREATE TABLE first (k int PRIMARY KEY, v text);
INSERT INTO first VALUES (1, 'one');
CREATE SCHEMA relations_second;
CREATE TABLE relations_second.t (k int PRIMARY KEY, v text);
