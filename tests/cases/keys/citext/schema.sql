-- an extension's type, which becomes text: the destination lacks it
CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
CREATE TABLE t (k public.citext PRIMARY KEY, v int);
INSERT INTO t VALUES ('a', 1), ('B', 2), ('Ä', 3), ('', 4);
