-- binary: all of these types can
CREATE TABLE t01 (k int PRIMARY KEY, v date);
INSERT INTO t01 VALUES
    (1, '-infinity'),
    (2, 'infinity'),
    (3, '4713-01-01 BC'),
    (4, '5874897-12-31'),
    (5, '0001-12-31 BC'),
    (6, '2000-02-29'),
    (7, NULL);
CREATE TABLE t01_whole (v date);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v time);
INSERT INTO t02 VALUES
    (1, '00:00'),
    (2, '24:00'),
    (3, '23:59:59.999999'),
    (4, '00:00:00.000001'),
    (5, NULL);
CREATE TABLE t02_whole (v time);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v time(0));
INSERT INTO t03 VALUES
    (1, '12:34:56.7'),
    (2, '24:00'),
    (3, NULL);
CREATE TABLE t03_whole (v time(0));
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v timetz);
INSERT INTO t04 VALUES
    (1, '00:00+00'),
    (2, '24:00-15:59:59'),
    (3, '24:00+15:59:59'),
    (4, '23:59:59.999999+05:30'),
    (5, '12:00:00+01:23:45'),
    (6, NULL);
CREATE TABLE t04_whole (v timetz);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v timestamp);
INSERT INTO t05 VALUES
    (1, '-infinity'),
    (2, 'infinity'),
    (3, '4713-01-01 00:00:00 BC'),
    (4, '294276-12-31 23:59:59.999999'),
    (5, '2016-12-31 23:59:60'),
    (6, '1582-10-10 00:00'),
    (7, NULL);
CREATE TABLE t05_whole (v timestamp);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
CREATE TABLE t06 (k int PRIMARY KEY, v timestamptz);
INSERT INTO t06 VALUES
    (1, '-infinity'),
    (2, 'infinity'),
    (3, '4713-01-01 00:00:00+00 BC'),
    (4, '294276-12-31 23:59:59.999999+00'),
    (5, '2020-03-29 02:30 Europe/Berlin'),
    (6, '1900-01-01 00:00 Europe/Amsterdam'),
    (7, NULL);
CREATE TABLE t06_whole (v timestamptz);
ALTER TABLE t06_whole REPLICA IDENTITY FULL;
INSERT INTO t06_whole SELECT v FROM t06;
CREATE TABLE t07 (k int PRIMARY KEY, v timestamp(2));
INSERT INTO t07 VALUES
    (1, '2020-01-01 00:00:00.129'),
    (2, 'infinity'),
    (3, NULL);
CREATE TABLE t07_whole (v timestamp(2));
ALTER TABLE t07_whole REPLICA IDENTITY FULL;
INSERT INTO t07_whole SELECT v FROM t07;
CREATE TABLE t08 (k int PRIMARY KEY, v interval);
INSERT INTO t08 VALUES
    (1, '0'),
    (2, '178000000 years'),
    (3, '-178000000 years'),
    (4, '1 mon'),
    (5, '30 days'),
    (6, '24:00:00'),
    (7, '1 day'),
    (8, '-1 mon +1 day -00:00:00.000001'),
    (9, '1 year 2 mons -3 days 04:05:06.789'),
    (10, '2147483647 days'),
    (11, NULL);
CREATE TABLE t08_whole (v interval);
ALTER TABLE t08_whole REPLICA IDENTITY FULL;
INSERT INTO t08_whole SELECT v FROM t08;
CREATE TABLE t09 (k int PRIMARY KEY, v interval day to second(1));
INSERT INTO t09 VALUES
    (1, '1 day 02:03:04.56'),
    (2, NULL);
CREATE TABLE t09_whole (v interval day to second(1));
ALTER TABLE t09_whole REPLICA IDENTITY FULL;
INSERT INTO t09_whole SELECT v FROM t09;
CREATE TABLE t10 (k int PRIMARY KEY, v interval year);
INSERT INTO t10 VALUES
    (1, '7 years'),
    (2, NULL);
CREATE TABLE t10_whole (v interval year);
ALTER TABLE t10_whole REPLICA IDENTITY FULL;
INSERT INTO t10_whole SELECT v FROM t10;
\ir ../each_value.sql
