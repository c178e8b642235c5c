CREATE PUBLICATION walferry_app FOR ALL TABLES WITH (publish_via_partition_root = true);
