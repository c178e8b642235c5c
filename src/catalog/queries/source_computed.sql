-- Which columns generated columns are computed from (12+). Before 15 the column itself depends on
-- its sources, since then its expression does.
SELECT DISTINCT a.attrelid AS oid, a.attnum, d.refobjsubid::pg_catalog.int2 AS source
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_attrdef AS e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
JOIN pg_catalog.pg_depend AS d
  ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
 AND d.refobjid = a.attrelid
 AND d.refobjsubid > 0
 AND d.refobjsubid <> a.attnum
 AND (
     d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = e.oid
     OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.objid = a.attrelid AND d.objsubid = a.attnum
 )
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''
