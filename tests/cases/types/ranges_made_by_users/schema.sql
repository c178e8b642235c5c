-- destination from: 14
-- from: 14
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN metres AS float8;
CREATE FUNCTION apart(time, time) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT
    AS 'SELECT EXTRACT(epoch FROM $1 - $2)::float8';
CREATE TYPE moods AS RANGE (subtype = mood);
CREATE TYPE spans AS RANGE (subtype = metres, multirange_type_name = "Odd ""spans""");
CREATE TYPE words AS RANGE (subtype = text, collation = "C");
CREATE TYPE patterns AS RANGE (subtype = text, subtype_opclass = text_pattern_ops, collation = "C");
CREATE TYPE times AS RANGE (subtype = time, subtype_diff = apart);
CREATE TABLE t (k int PRIMARY KEY, a moods, b spans, c words, d patterns, e times, f "Odd ""spans""", g moods_multirange, h words[], i times_multirange[]);
INSERT INTO t VALUES
    (1, '[sad,ok)', '[1.5,2]', '[B,a)', '[a,b]', '[10:00,11:00)', '{[1,2),[3,4]}', '{[sad,ok)}', '{"[a,b)",empty}', '{"{[10:00,11:00)}","{}"}'),
    (2, 'empty', '(,)', '["",)', '(,"x,y")', '[00:00,24:00]', '{}', '{[ok,]}', '{}', NULL),
    (3, NULL, '[-Infinity,NaN]', '["a ""b\\",c]', NULL, 'empty', '{(,)}', NULL, NULL, '{NULL}');
CREATE TABLE whole (a moods, f "Odd ""spans""");
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO whole SELECT a, f FROM t;
CREATE TABLE keyed (k spans PRIMARY KEY, v int);
INSERT INTO keyed VALUES ('[1,2)', 1), ('empty', 2), ('(,)', 3);
CREATE TABLE multi_keyed (k moods_multirange PRIMARY KEY, v int);
INSERT INTO multi_keyed VALUES ('{[sad,ok)}', 1), ('{}', 2);
