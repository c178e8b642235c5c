-- each row comes in a shape that looks like another one
ALTER TABLE same_name DROP a;
ALTER TABLE same_name ADD a int DEFAULT 7;
INSERT INTO same_name VALUES (2, 2);
ALTER TABLE name_for_a_while DROP a;
ALTER TABLE name_for_a_while ADD a int;
INSERT INTO name_for_a_while VALUES (2, 2);
ALTER TABLE name_for_a_while RENAME a TO c;
BEGIN;
ALTER TABLE moved_up DROP a;
ALTER TABLE moved_up RENAME b TO a;
ALTER TABLE moved_up ADD b int DEFAULT 1000;
COMMIT;
INSERT INTO moved_up VALUES (2, 200, 2000);
ALTER TABLE name_before RENAME a TO c;
INSERT INTO name_before VALUES (2, 2);
ALTER TABLE name_before DROP c;
ALTER TABLE name_before ADD c int;
INSERT INTO name_before VALUES (3, 3);
