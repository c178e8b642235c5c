CREATE PUBLICATION walferry_app FOR TABLE root, keyless WITH (publish_via_partition_root = true);
