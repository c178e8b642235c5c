CREATE PUBLICATION walferry_app FOR TABLE filtered WHERE (k > 10), listed (k, a), away, steady;
