-- joins: tables are loaded again
-- publications: walferry_app, walferry_app_more, walferry_app_schema
-- a row is sent when one of them sends it
CREATE TABLE twice (k int PRIMARY KEY, v text);
ALTER TABLE twice REPLICA IDENTITY FULL;
INSERT INTO twice SELECT i, 'row ' || i FROM generate_series(1, 30) AS i;
CREATE TABLE once (k int PRIMARY KEY, v text);
INSERT INTO once SELECT i, 'row ' || i FROM generate_series(1, 10) AS i;
CREATE TABLE filtered_and_whole (k int PRIMARY KEY, v text);
INSERT INTO filtered_and_whole SELECT i, 'row ' || i FROM generate_series(1, 10) AS i;
CREATE SCHEMA relations_several;
CREATE TABLE relations_several.t (k int PRIMARY KEY, v text);
INSERT INTO relations_several.t VALUES (1, 'one');
CREATE TABLE unpublished (k int PRIMARY KEY, v text);
