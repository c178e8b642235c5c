CREATE SCHEMA types_same_name_too;
CREATE TYPE kind AS ENUM ('a', 'b');
CREATE TYPE types_same_name_too.kind AS (n int);
CREATE TABLE t (k kind PRIMARY KEY, v types_same_name_too.kind);
INSERT INTO t VALUES ('a', '(1)'), ('b', NULL);
CREATE TABLE types_same_name_too.t (k types_same_name_too.kind PRIMARY KEY, v kind[]);
INSERT INTO types_same_name_too.t VALUES ('(1)', '{a}'), ('(2)', '{}');
-- a table's rows as a type
CREATE TABLE of_rows (k int PRIMARY KEY, v t, vs t[]);
INSERT INTO of_rows VALUES (1, '(a,"(1)")', '{"(b,)"}');
