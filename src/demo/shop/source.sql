-- The administrator's part on the source: what `walferry setup-sql` prints, and no more.
CREATE ROLE walferry LOGIN REPLICATION PASSWORD {password};
REVOKE ALL ON DATABASE shop FROM PUBLIC;
GRANT CONNECT ON DATABASE shop TO walferry;
GRANT USAGE ON SCHEMA sales TO walferry;
GRANT SELECT ON ALL TABLES IN SCHEMA sales TO walferry;
CREATE PUBLICATION walferry_demo FOR TABLE
    sales.customers, sales.products, sales.orders, sales.order_items, sales.events;
