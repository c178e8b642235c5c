-- Which process serves the session, and whether the settings that it was opened with hold.
SELECT pg_catalog.pg_backend_pid() AS pid,
       pg_catalog.current_setting('search_path') IN ('', '""') AS pinned
