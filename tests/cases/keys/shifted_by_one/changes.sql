-- down from the highest, so that a plain primary key takes it, in one transaction
BEGIN;
DO $$ BEGIN FOR i IN REVERSE 300..1 LOOP UPDATE forward SET k = k + 1 WHERE k = i; END LOOP; END $$;
COMMIT;
BEGIN;
DO $$ BEGIN FOR i IN 1..300 LOOP UPDATE backward SET k = k - 1 WHERE k = i; END LOOP; END $$;
UPDATE backward SET v = v || '!' WHERE k % 2 = 0;
COMMIT;
BEGIN;
DO $$ BEGIN FOR i IN REVERSE 20..1 LOOP UPDATE half_toasted SET k = k + 1 WHERE k = i; END LOOP; END $$;
DO $$ BEGIN FOR i IN REVERSE 21..2 LOOP UPDATE half_toasted SET k = k + 1 WHERE k = i; END LOOP; END $$;
COMMIT;
