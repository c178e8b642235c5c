UPDATE whole SET v = '''"some" \\ ''''words'''''' & more' WHERE v::text LIKE '''word11%';
UPDATE whole SET v = 'fewer' WHERE v::text LIKE '''word13%';
DELETE FROM whole WHERE v::text LIKE '''word2%';
UPDATE moved SET k = k + 100 WHERE k < 12;
UPDATE moved SET k = -k WHERE k BETWEEN 12 AND 24;
UPDATE moved SET v = 'fewer' WHERE k < 24;
DELETE FROM moved WHERE k BETWEEN 24 AND 28;
