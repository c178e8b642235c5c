CREATE PUBLICATION walferry_app FOR TABLE t, keyed, keyless, prepared
    WITH (publish_generated_columns = stored);
