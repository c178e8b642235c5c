CREATE TABLE "a ""quote""" ("k ""quoted""" int PRIMARY KEY, "it's" text, "back\slash" text, "per%cent" text, "dol$1lar" text, "{}" text, ";--" text);
CREATE TABLE "dot.ted" ("a.b" int PRIMARY KEY, "a" int, "b" int, " " text, "  " text);
CREATE TABLE "new
line" ("k
k" int PRIMARY KEY, "tab	" text);
CREATE TABLE "select" ("user" int PRIMARY KEY, "table" text, "order" text, "all" text, "null" text, "default" text);
CREATE TABLE same (k int PRIMARY KEY, v text, "V" text);
CREATE TABLE "Same" ("K" int PRIMARY KEY, v text, "V" text);
CREATE TABLE "SAME" (k int, "K" int, "kK" text, PRIMARY KEY ("K"));
CREATE TABLE "имя 😀" ("ключ" int PRIMARY KEY, "значение 😀" text);
CREATE TABLE a_name_of_sixty_three_bytes_that_only_differs_in_its_last_bytea (k int PRIMARY KEY, v text);
CREATE TABLE a_name_of_sixty_three_bytes_that_only_differs_in_its_last_byteb (k int PRIMARY KEY, v text, a_name_of_sixty_three_bytes_that_only_differs_in_its_last_bytea text, a_name_of_sixty_three_bytes_that_only_differs_in_its_last_byteb text);
CREATE TABLE "яяяяяяяяяяяяяяяяяяяяяяяяяяяяяяя" (k int PRIMARY KEY, "яяяяяяяяяяяяяяяяяяяяяяяяяяяяяяя" text);
CREATE TABLE walferry_1 (c0 int PRIMARY KEY, c1 text, o0 text, g text, n text, s text, t text, place text, found text, nth text, copies text);
CREATE TABLE t (t int PRIMARY KEY, s text, ctid_ text);
CREATE TABLE s (s int, t text, n int);
ALTER TABLE s REPLICA IDENTITY FULL;
CREATE TABLE record (record int, text text, "bigint" int);
ALTER TABLE record REPLICA IDENTITY FULL;
CREATE TABLE "); DROP SCHEMA app_columns_hostile_names CASCADE; --" ("); --" int PRIMARY KEY, v text);
SELECT format('INSERT INTO %s SELECT i, i FROM generate_series(1, 5) AS i', oid::regclass) FROM pg_class WHERE relnamespace = 'columns_hostile_names'::regnamespace AND relkind = 'r' AND relname <> 'record'
\gexec
INSERT INTO record SELECT 1, 'same', 1 FROM generate_series(1, 3);
