-- joins: shapes change
-- keeps: columns that are dropped
CREATE TABLE same_name (k int PRIMARY KEY, a int);
INSERT INTO same_name VALUES (1, 1);
CREATE TABLE name_for_a_while (k int PRIMARY KEY, a int);
INSERT INTO name_for_a_while VALUES (1, 1);
CREATE TABLE moved_up (k int PRIMARY KEY, a int, b int);
INSERT INTO moved_up VALUES (1, 10, 100);
CREATE TABLE name_before (k int PRIMARY KEY, a int);
INSERT INTO name_before VALUES (1, 1);
