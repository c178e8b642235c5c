CREATE PUBLICATION walferry_app FOR TABLE root (part, k, v), swapped (c, b, a) WITH (publish_via_partition_root = true);
