-- the last column of each table changes, the first moves
SELECT format(s, a.attrelid::regclass, (SELECT attname FROM pg_attribute AS f WHERE f.attrelid = a.attrelid AND f.attnum = 1), a.attname)
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid,
     unnest(ARRAY['UPDATE %1$s SET %3$I = ''7'' WHERE %2$I = 1', 'DELETE FROM %1$s WHERE %2$I = 2', 'UPDATE %1$s SET %2$I = 33 WHERE %2$I = 3', 'INSERT INTO %1$s SELECT 9, 9']) WITH ORDINALITY AS o (s, nth)
WHERE c.relnamespace = 'columns_hostile_names'::regnamespace AND c.relkind = 'r' AND a.attnum = c.relnatts
ORDER BY c.relname, nth
\gexec
