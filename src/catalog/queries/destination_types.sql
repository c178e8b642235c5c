-- Those of the type names $1 (as format_type prints them) that mean something here.
SELECT w.name
FROM pg_catalog.unnest($1::pg_catalog.text[]) AS w (name)
WHERE pg_catalog.to_regtype(w.name) IS NOT NULL
