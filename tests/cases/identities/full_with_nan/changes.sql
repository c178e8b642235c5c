UPDATE t SET v = n, w = n WHERE n BETWEEN 3 AND 15;
UPDATE t SET v = 5 WHERE v = 0;
DELETE FROM t WHERE v = 'NaN';
UPDATE wide SET c1 = 7 WHERE c1599 < 15;
DELETE FROM wide WHERE c1599 > 3;
UPDATE within SET d = 1, q = '(1,1)', a = '{1}', b = '{1}', p = '(1,1)', ps = '{"(1,1)"}', c = '<(1,1),1>' WHERE n < 15;
DELETE FROM within WHERE n > 3;
