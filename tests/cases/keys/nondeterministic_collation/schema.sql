-- from: 12
-- 'a' and 'A' are one key here; the destination knows of no such collation
CREATE COLLATION ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE t (k text COLLATE ignore_case PRIMARY KEY, v int);
INSERT INTO t VALUES ('a', 1), ('B', 2), ('c', 3);
