-- destination from: 14
-- binary: all of these types can
CREATE TABLE t01 (k int PRIMARY KEY, v int2);
INSERT INTO t01 VALUES
    (1, '-32768'),
    (2, '32767'),
    (3, '0'),
    (4, NULL);
CREATE TABLE t01_whole (v int2);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v int4);
INSERT INTO t02 VALUES
    (1, '-2147483648'),
    (2, '2147483647'),
    (3, '-1'),
    (4, NULL);
CREATE TABLE t02_whole (v int4);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v int8);
INSERT INTO t03 VALUES
    (1, '-9223372036854775808'),
    (2, '9223372036854775807'),
    (3, '9007199254740993'),
    (4, NULL);
CREATE TABLE t03_whole (v int8);
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v oid);
INSERT INTO t04 VALUES
    (1, '0'),
    (2, '4294967295'),
    (3, '2147483648'),
    (4, NULL);
CREATE TABLE t04_whole (v oid);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v float4);
INSERT INTO t05 VALUES
    (1, 'NaN'),
    (2, 'Infinity'),
    (3, '-Infinity'),
    (4, '-0'),
    (5, '1e-45'),
    (6, '3.4028235e38'),
    (7, '0.1'),
    (8, '16777217'),
    (9, '1.17549435e-38'),
    (10, NULL);
CREATE TABLE t05_whole (v float4);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
CREATE TABLE t06 (k int PRIMARY KEY, v float8);
INSERT INTO t06 VALUES
    (1, 'NaN'),
    (2, 'Infinity'),
    (3, '-Infinity'),
    (4, '-0'),
    (5, '5e-324'),
    (6, '1e-307'),
    (7, '1.7976931348623157e308'),
    (8, '0.1'),
    (9, '0.30000000000000004'),
    (10, '9007199254740993'),
    (11, '123456789012345678'),
    (12, NULL);
CREATE TABLE t06_whole (v float8);
ALTER TABLE t06_whole REPLICA IDENTITY FULL;
INSERT INTO t06_whole SELECT v FROM t06;
CREATE TABLE t07 (k int PRIMARY KEY, v money);
INSERT INTO t07 VALUES
    (1, '-92233720368547758.08'),
    (2, '92233720368547758.07'),
    (3, '0.01'),
    (4, NULL);
CREATE TABLE t07_whole (v money);
ALTER TABLE t07_whole REPLICA IDENTITY FULL;
INSERT INTO t07_whole SELECT v FROM t07;
CREATE TABLE t08 (k int PRIMARY KEY, v numeric);
INSERT INTO t08 VALUES
    (1, 'NaN'),
    (2, 'Infinity'),
    (3, '-Infinity'),
    (4, '0'),
    (5, '-0.00'),
    (6, '1.0'),
    (7, '1.00'),
    (8, '1e-1000'),
    (9, '0.00000000000000000000000000001'),
    (10, '123456789012345678901234567890.123456789'),
    (11, NULL),
    (12, ('1' || repeat('0', 131071))::numeric),
    (13, ('0.' || repeat('0', 16382) || '1')::numeric),
    (14, (repeat('9', 131072) || '.' || repeat('9', 16383))::numeric);
CREATE TABLE t08_whole (v numeric);
ALTER TABLE t08_whole REPLICA IDENTITY FULL;
INSERT INTO t08_whole SELECT v FROM t08;
CREATE TABLE t09 (k int PRIMARY KEY, v numeric(6,3));
INSERT INTO t09 VALUES
    (1, '123.456'),
    (2, '-0.001'),
    (3, 'NaN'),
    (4, '0'),
    (5, NULL);
CREATE TABLE t09_whole (v numeric(6,3));
ALTER TABLE t09_whole REPLICA IDENTITY FULL;
INSERT INTO t09_whole SELECT v FROM t09;
CREATE TABLE t10 (k int PRIMARY KEY, v numeric(3,-2));
INSERT INTO t10 VALUES
    (1, '12345'),
    (2, '-99900'),
    (3, '0'),
    (4, NULL);
CREATE TABLE t10_whole (v numeric(3,-2));
ALTER TABLE t10_whole REPLICA IDENTITY FULL;
INSERT INTO t10_whole SELECT v FROM t10;
CREATE TABLE t11 (k int PRIMARY KEY, v numeric(2,5));
INSERT INTO t11 VALUES
    (1, '0.00012'),
    (2, '0'),
    (3, NULL);
CREATE TABLE t11_whole (v numeric(2,5));
ALTER TABLE t11_whole REPLICA IDENTITY FULL;
INSERT INTO t11_whole SELECT v FROM t11;
\ir ../each_value.sql
