CREATE TABLE prepared (k int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
