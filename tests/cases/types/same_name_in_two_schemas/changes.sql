UPDATE t SET v = '(7)';
UPDATE types_same_name_too.t SET k = '(3)' WHERE k = '(2)'::types_same_name_too.kind;
DELETE FROM types_same_name_too.t WHERE v = '{a}';
INSERT INTO of_rows VALUES (2, NULL, NULL);
UPDATE of_rows SET v = '(b,"(2)")' WHERE k = 1;
