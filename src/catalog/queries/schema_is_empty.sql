-- Whether nothing is in the schema $1, so that it can be dropped without asking anybody.
SELECT NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_namespace AS n ON n.oid = d.refobjid
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
      AND n.nspname = $1::pg_catalog.text
) AS is_empty
