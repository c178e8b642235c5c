-- alone: its type is changed while rows are on their way
CREATE TYPE pair AS (a int, b text);
CREATE TABLE t (k int PRIMARY KEY, v pair, vs pair[]);
INSERT INTO t VALUES (1, '(1,a)', '{"(2,b)"}'), (2, NULL, '{}');
