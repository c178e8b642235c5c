UPDATE t SET c800 = k WHERE k % 2 = 0;
UPDATE t SET c801 = k WHERE k < 5;
UPDATE t SET k = k + 100 WHERE k % 3 = 0;
DELETE FROM t WHERE k = 1;
DELETE FROM t WHERE k > 100;
SELECT 'INSERT INTO t VALUES (' || string_agg(i::text, ', ') || ')' FROM generate_series(1, 1600) AS i
\gexec
INSERT INTO whole SELECT * FROM t WHERE k = 1;
-- one of several copies, all of them, and those that stay are changed
DELETE FROM whole WHERE ctid IN (SELECT ctid FROM whole WHERE c2 = 1 AND k = 1 LIMIT 1);
DELETE FROM whole WHERE c2 BETWEEN 2 AND 4 OR c2 > 20;
UPDATE whole SET c1599 = -1 WHERE c1600 = 1600;
UPDATE whole SET c800 = c2, c1600 = NULL WHERE c2 % 2 = 0;
DELETE FROM whole WHERE c1599 = -1;
-- other keys and large values that stay, of few rows and of many; values that stay in their rows
UPDATE moved SET k = k + 100 WHERE k < 4;
UPDATE moved SET k = -k, c1599 = k, w = 'short' WHERE k BETWEEN 4 AND 18;
UPDATE moved SET k = k + 1000 WHERE k > 20;
UPDATE moved SET c800 = k;
UPDATE moved SET k = k - 1000, v = 'short' WHERE k = 1025;
DELETE FROM moved WHERE k > 1025;
