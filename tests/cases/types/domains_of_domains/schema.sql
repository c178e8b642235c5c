-- binary: domains and enums can, as what they are made of
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "q"', E'back\\slash', 'ünï');
CREATE FUNCTION is_even(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 0';
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE DOMAIN smaller AS small NOT NULL DEFAULT 4 CHECK (is_even(VALUE));
CREATE DOMAIN smallest AS smaller;
CREATE DOMAIN code AS varchar(5);
CREATE DOMAIN padded AS char(4);
CREATE DOMAIN price AS numeric(8,3);
CREATE DOMAIN feeling AS mood;
CREATE DOMAIN strong_feeling AS feeling CHECK (VALUE::text <> 'ok');
CREATE DOMAIN tags AS text[];
CREATE DOMAIN moment AS timestamptz(3);
CREATE TABLE t (k smallest PRIMARY KEY, a smaller, b code, c padded, d price, e feeling, f strong_feeling, g tags, h moment, i mood);
INSERT INTO t VALUES
    (2, 4, 'abc', 'a', 1.5, 'sad', 'it''s "q"', '{a,NULL}', '2020-01-01 00:00:00.1234+00', E'back\\slash'),
    (-4, 6, '', '', -99999.999, 'ok', NULL, '{}', 'infinity', 'ünï'),
    (6, 8, NULL, 'äöü', 'NaN', NULL, E'back\\slash', '{{a,b}}', NULL, NULL);
CREATE TABLE whole (a small, b code, c padded, d price, e feeling);
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO whole SELECT a, b, c, d, e FROM t;
CREATE TABLE by_code (k code PRIMARY KEY, v feeling);
INSERT INTO by_code VALUES ('a', 'ok'), ('A', 'sad'), ('', NULL);
CREATE TABLE by_feeling (k strong_feeling, p price, v int, PRIMARY KEY (k, p));
INSERT INTO by_feeling VALUES ('sad', 1.0, 1), ('sad', 2, 2), ('it''s "q"', 1, 3);
