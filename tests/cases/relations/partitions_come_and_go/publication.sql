CREATE PUBLICATION walferry_app FOR TABLE root, visits, is_seen, shrunk, rewritten, nested
    WITH (publish_via_partition_root = true);
