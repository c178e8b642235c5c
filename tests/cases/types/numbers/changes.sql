-- every value inserted, changed from and to each, and deleted
SELECT format(statement, name)
FROM unnest('{t01,t02,t03,t04,t05,t06,t07,t08,t09,t10,t11}'::text[]) AS name,
     unnest(ARRAY[
         'INSERT INTO %1$s SELECT k + 1000, v FROM %1$s',
         -- each row takes the value of the next
         'UPDATE %1$s AS t SET v = n.v FROM %1$s AS n WHERE n.k = t.k + 1 AND t.k < 1000',
         'UPDATE %1$s SET v = v WHERE k = 1001',
         'DELETE FROM %1$s WHERE k %% 2 = 0 AND k < 1000',
         'UPDATE %1$s SET k = k + 1000 WHERE k = 1003',
         'INSERT INTO %1$s_whole SELECT v FROM %1$s',
         'UPDATE %1$s_whole SET v = NULL WHERE ctid = ''(0,1)''',
         'DELETE FROM %1$s_whole WHERE ctid = ''(0,2)''',
         'UPDATE %1$s_whole SET v = (SELECT v FROM %1$s WHERE k = 1001) WHERE ctid = ''(0,3)'''
     ]) WITH ORDINALITY AS statements (statement, nth)
ORDER BY name, nth
\gexec
\ir ../each_value_changes.sql
