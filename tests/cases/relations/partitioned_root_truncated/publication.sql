CREATE PUBLICATION walferry_app FOR TABLE root WITH (publish_via_partition_root = true);
