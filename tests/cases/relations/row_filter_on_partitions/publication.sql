-- the root's filter counts; that of the leaf does not
CREATE PUBLICATION walferry_app FOR TABLE root WHERE (k % 2 = 0), low WHERE (k < 10)
    WITH (publish_via_partition_root = true);
