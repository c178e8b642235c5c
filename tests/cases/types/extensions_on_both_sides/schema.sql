-- alone: the destination has the extensions in a schema of its own
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION ltree SCHEMA public;
CREATE EXTENSION cube SCHEMA public;
CREATE DOMAIN mail AS public.citext CHECK (VALUE LIKE '%@%');
CREATE TYPE page AS (title public.citext, tags public.hstore, path public.ltree[], shape public.cube);
CREATE TABLE t (k public.citext PRIMARY KEY, a public.citext[], b public.hstore, c public.ltree, d mail, e page, f public.cube, g page[]);
INSERT INTO t VALUES
    ('a', '{a,B,NULL}', 'a=>1', 'top.child', 'A@b', ROW('T', 'x=>NULL', '{a.b,c}', NULL), '(1,2),(3,4)', NULL),
    ('B', '{}', '"a b"=>NULL, "c"=>"d\"e"', '', 'x@Y', NULL, NULL, '{}'),
    ('Ä', NULL, '', NULL, NULL, ROW(NULL, NULL, NULL, '(0)'), '(0)', ARRAY[ROW('a', '', '{}', NULL)::page]),
    ('', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE by_mail (k mail PRIMARY KEY, v int);
INSERT INTO by_mail VALUES ('a@b', 1), ('C@d', 2);
CREATE TABLE by_hstore (k public.hstore PRIMARY KEY, v int);
INSERT INTO by_hstore VALUES ('a=>1', 1), ('', 2), ('a=>1, b=>NULL', 3);
CREATE TABLE by_ltree (k public.ltree, c public.cube, v int, PRIMARY KEY (k, c));
INSERT INTO by_ltree VALUES ('a.b', '(1)', 1), ('', '(1),(2)', 2);
CREATE TABLE by_citexts (k public.citext[] PRIMARY KEY, v int);
INSERT INTO by_citexts VALUES ('{a}', 1), ('{}', 2);
CREATE TABLE whole (a public.citext, b public.hstore, c public.ltree, e page);
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO whole SELECT k, b, c, e FROM t;
INSERT INTO whole VALUES ('A', NULL, NULL, NULL), ('a', NULL, NULL, NULL);
