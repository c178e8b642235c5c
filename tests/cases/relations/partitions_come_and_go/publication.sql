CREATE PUBLICATION walferry_app FOR TABLE root, shrunk, rewritten, nested
    WITH (publish_via_partition_root = true);
