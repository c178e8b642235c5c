-- more rows than are deleted one by one: keys that are sent as arrays, and one that is not
CREATE TABLE small (k smallint PRIMARY KEY, v text);
CREATE TABLE big (k bigint PRIMARY KEY, v text);
CREATE TABLE days (k date PRIMARY KEY, v text);
CREATE TABLE moments (k timestamptz PRIMARY KEY, v text);
CREATE TABLE local_moments (k timestamp(3) PRIMARY KEY, v text);
CREATE TABLE several (v text, a int, id uuid, b bigint, PRIMARY KEY (b, id, a));
CREATE TABLE mixed (a int, b text, v text, PRIMARY KEY (a, b));
INSERT INTO small SELECT i, 'v' || i FROM generate_series(-100, 100) AS i;
INSERT INTO big SELECT i * 10000000000, 'v' || i FROM generate_series(-100, 100) AS i;
INSERT INTO days SELECT date '1999-12-01' + i, 'v' || i FROM generate_series(1, 100) AS i;
INSERT INTO days VALUES ('infinity', 'end'), ('-infinity', 'beginning');
INSERT INTO moments SELECT timestamptz '1999-12-01Z' + i * interval '1.000001 s', 'v' || i FROM generate_series(1, 100) AS i;
INSERT INTO moments VALUES ('infinity', 'end'), ('-infinity', 'beginning');
INSERT INTO local_moments SELECT timestamp '1999-12-01' + i * interval '1.001 s', 'v' || i FROM generate_series(1, 100) AS i;
INSERT INTO several SELECT 'v' || i, i % 7, md5(i::text)::uuid, i / 10 FROM generate_series(1, 100) AS i;
INSERT INTO mixed SELECT i / 10, 'b' || i, 'v' || i FROM generate_series(1, 100) AS i;
