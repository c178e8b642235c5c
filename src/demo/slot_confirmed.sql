SELECT confirmed_flush_lsn >= $1::pg_catalog.text::pg_catalog.pg_lsn
FROM pg_catalog.pg_replication_slots
WHERE slot_name = 'walferry_demo'
