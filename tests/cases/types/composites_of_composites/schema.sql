CREATE TYPE leaf AS (n numeric(10,2), "odd "" name" text, at timestamptz);
CREATE TYPE branch AS (leaves leaf[], "select" leaf, bits bit(3));
CREATE TYPE tree AS (branches branch[], names text[], gone int, id uuid);
ALTER TYPE tree DROP ATTRIBUTE gone;
CREATE DOMAIN grove AS tree[];
CREATE TABLE t (k int PRIMARY KEY, v tree, vs tree[], g grove);
INSERT INTO t VALUES
    (1, ROW(ARRAY[ROW(ARRAY[ROW(1.5, E'a"b\\c,(d)\t\n', '2020-01-01 00:00+00'), NULL]::leaf[], ROW(NULL, '', NULL), B'101')]::branch[], '{"x y",NULL}', '00000000-0000-0000-0000-000000000001'), NULL, NULL),
    (2, ROW(NULL, NULL, NULL), ARRAY[ROW('{}', '{}', NULL), NULL]::tree[], ARRAY[ROW(NULL, '{{a,b},{c,d}}', NULL)]::tree[]),
    (3, NULL, '{}', '{}'),
    (4, ROW(ARRAY[NULL, ROW(NULL, NULL, NULL), ROW('{}', ROW('NaN', ' ', 'infinity'), B'000')]::branch[], NULL, NULL), '[5:6]={NULL,NULL}', NULL);
CREATE TABLE whole (v tree);
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO whole SELECT v FROM t;
INSERT INTO whole SELECT v FROM t;
CREATE TYPE key AS (a int, b text, c numeric);
CREATE TABLE keyed (k key PRIMARY KEY, v int);
INSERT INTO keyed VALUES ('(1,a,1.0)', 1), ('(1,a,)', 2), ('(,,)', 3), ('(2,"",0)', 4);
CREATE TABLE array_key (k key[] PRIMARY KEY, v int);
INSERT INTO array_key VALUES ('{}', 1), ('{"(1,a,1)"}', 2), ('{NULL}', 3);
