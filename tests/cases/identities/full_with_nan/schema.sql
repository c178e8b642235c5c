-- binary: all of these types can
-- a NaN that was computed may have another sign than the one that text means
CREATE TABLE t (v float8, w float4, n int);
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t SELECT 'Infinity'::float8 - 'Infinity', 'Infinity'::float4 - 'Infinity', i FROM generate_series(1, 20) AS i;
INSERT INTO t VALUES ('NaN', 'NaN', 1), ('-0', 0, 1), (0, '-0', 1), (1, 1, 1);
SELECT 'CREATE TABLE wide (' || string_agg('c' || i || ' float8', ', ') || ')' FROM generate_series(1, 1600) AS i
\gexec
ALTER TABLE wide REPLICA IDENTITY FULL;
INSERT INTO wide (c1, c1599) SELECT 'Infinity'::float8 - 'Infinity', i FROM generate_series(1, 20) AS i;
CREATE DOMAIN measure AS float8;
CREATE DOMAIN place AS point;
CREATE TABLE within (d measure, q place, a float8[], b float4[], p point, ps point[], c circle, n int);
ALTER TABLE within REPLICA IDENTITY FULL;
INSERT INTO within SELECT x, point(1, x), ARRAY[x, 1, NULL], ARRAY[x::float4], point(x, 1), ARRAY[point(1, x)], circle(point(x, x), 1), i FROM generate_series(1, 20) AS i, LATERAL (SELECT 'Infinity'::float8 - 'Infinity') AS x (x);
INSERT INTO within VALUES (0, '(0,0)', '{-0}', '{0.1}', '(-0,0)', '{"(0,-0)"}', '<(0,-0),1>', 1);
