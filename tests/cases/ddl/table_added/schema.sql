-- joins: shapes change
CREATE TABLE first (k int PRIMARY KEY, v text);
INSERT INTO first VALUES (1, 'one');
