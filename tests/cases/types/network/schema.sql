-- binary: all of these types can
CREATE TABLE t01 (k int PRIMARY KEY, v inet);
INSERT INTO t01 VALUES
    (1, '0.0.0.0/0'),
    (2, '10.0.0.1'),
    (3, '10.0.0.1/8'),
    (4, '255.255.255.255'),
    (5, '::'),
    (6, '::1/128'),
    (7, 'fe80::1/64'),
    (8, '::ffff:1.2.3.4'),
    (9, NULL);
CREATE TABLE t01_whole (v inet);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v cidr);
INSERT INTO t02 VALUES
    (1, '0.0.0.0/0'),
    (2, '10.0.0.0/8'),
    (3, '10.0.0.1/32'),
    (4, '::/0'),
    (5, '2001:db8::/32'),
    (6, NULL);
CREATE TABLE t02_whole (v cidr);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v macaddr);
INSERT INTO t03 VALUES
    (1, '00:00:00:00:00:00'),
    (2, 'ff:ff:ff:ff:ff:ff'),
    (3, NULL);
CREATE TABLE t03_whole (v macaddr);
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v macaddr8);
INSERT INTO t04 VALUES
    (1, '00:00:00:00:00:00:00:00'),
    (2, '08:00:2b:ff:fe:01:02:03'),
    (3, NULL);
CREATE TABLE t04_whole (v macaddr8);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v pg_lsn);
INSERT INTO t05 VALUES
    (1, '0/0'),
    (2, 'FFFFFFFF/FFFFFFFF'),
    (3, '16/B374D848'),
    (4, NULL);
CREATE TABLE t05_whole (v pg_lsn);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
CREATE TABLE t06 (k int PRIMARY KEY, v xid);
INSERT INTO t06 VALUES
    (1, '0'),
    (2, '4294967295'),
    (3, '3'),
    (4, NULL);
CREATE TABLE t06_whole (v xid);
ALTER TABLE t06_whole REPLICA IDENTITY FULL;
INSERT INTO t06_whole SELECT v FROM t06;
CREATE TABLE t07 (k int PRIMARY KEY, v cid);
INSERT INTO t07 VALUES
    (1, '0'),
    (2, '4294967295'),
    (3, NULL);
CREATE TABLE t07_whole (v cid);
ALTER TABLE t07_whole REPLICA IDENTITY FULL;
INSERT INTO t07_whole SELECT v FROM t07;
CREATE TABLE t09 (k int PRIMARY KEY, v tid);
INSERT INTO t09 VALUES
    (1, '(0,0)'),
    (2, '(4294967295,65535)'),
    (3, NULL);
CREATE TABLE t09_whole (v tid);
ALTER TABLE t09_whole REPLICA IDENTITY FULL;
INSERT INTO t09_whole SELECT v FROM t09;
\ir ../each_value.sql
