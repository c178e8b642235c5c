-- values of tsquery stay in their row, which with these fits a page to the last byte
CREATE TABLE whole (v tsquery);
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO whole SELECT string_agg(format('word%s_%s', word, 1000 + i), ' & ')::tsquery FROM generate_series(10, 29) AS word, generate_series(1, 226) AS i GROUP BY word;
INSERT INTO whole SELECT * FROM whole WHERE v::text LIKE '''word14%';
CREATE TABLE moved (k int PRIMARY KEY, large text, v tsquery);
ALTER TABLE moved ALTER large SET STORAGE EXTERNAL;
INSERT INTO moved SELECT word, repeat('x' || word, 3000), string_agg(format('word%s_%s', word, 1000 + i), ' & ')::tsquery FROM generate_series(10, 29) AS word, generate_series(1, 225) AS i GROUP BY word;
