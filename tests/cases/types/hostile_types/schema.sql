CREATE SCHEMA "types only; --";
CREATE SCHEMA "Types ""2""";
CREATE TYPE "types only; --"."a.b" AS ENUM ('x''; DROP TABLE t; --', '$$', '"', E'\\', E'new\nline', ' ', 'ä€😀', 'NULL', '{}', ',');
CREATE TYPE "Types ""2"""."a.b" AS ENUM ('y');
CREATE TYPE "a.b" AS ("select" int, "; DROP" text, "quote "" and '" "types only; --"."a.b", "a.b" "Types ""2"""."a.b"[]);
CREATE TYPE "text" AS ENUM ('not the usual text');
CREATE TYPE "int4" AS (v pg_catalog.int4);
CREATE TYPE "A[]" AS ENUM ('brackets');
CREATE DOMAIN "numeric(10,2)" AS pg_catalog.numeric(10,2);
CREATE TYPE aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123 AS ENUM ('aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123');
CREATE TYPE aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff124 AS ENUM ('b');
CREATE TABLE t (
    k "types only; --"."a.b" PRIMARY KEY,
    a "Types ""2"""."a.b",
    b "a.b",
    c types_hostile_types."text",
    d types_hostile_types."int4",
    e "A[]"[],
    f "numeric(10,2)",
    g aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123,
    h aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff124[]
);
INSERT INTO t (k) SELECT unnest(enum_range(NULL::"types only; --"."a.b"));
UPDATE t SET a = 'y', b = ROW(1, 'z', k, '{y,NULL}'), c = 'not the usual text', d = '(1)', e = '{brackets}', f = 1.5, g = 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123', h = '{b}'
WHERE k IN ('"', E'\\', ',');
CREATE TABLE whole (v "types only; --"."a.b", w "a.b");
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO whole SELECT k, b FROM t;
