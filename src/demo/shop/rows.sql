-- Some 215,000 rows to begin with.
SET search_path = pg_catalog, sales;

INSERT INTO customers (email, name, country, preferences, created_at)
SELECT 'customer' || i || '@example.com',
       (ARRAY['Ada', 'Grace', 'Zoë', 'Łukasz', 'Søren', '美咲', 'Anaïs', 'Noor'])[1 + i % 8] || ' ' || i,
       (ARRAY['DE', 'FR', 'GB', 'JP', 'US'])[1 + i % 5],
       jsonb_build_object('newsletter', i % 3 = 0, 'theme', CASE i % 2 WHEN 0 THEN 'dark' ELSE 'light' END),
       now() - interval '1 minute' * (20000 - i)
FROM generate_series(1, 20000) AS i;

INSERT INTO products (sku, name, price, stock, tags, description)
SELECT 'SKU-' || lpad(i::text, 6, '0'), 'Product ' || i, (1 + i * 7919 % 99900) / 100.0,
       1000 + i % 500, ARRAY['tag ' || i % 10, 'tag "' || i % 7 || '"'],
       CASE WHEN i % 4 = 0
            THEN (SELECT string_agg(md5((i * k)::text), ' ') FROM generate_series(1, 120) AS k) END
FROM generate_series(1, 2000) AS i;

INSERT INTO orders (customer_id, status, placed_at, shipped_at, note)
SELECT 1 + (i::bigint * 48271) % 20000,
       CASE WHEN i % 20 = 0 THEN 'returned' ELSE 'shipped' END,
       now() - interval '1 minute' * (55000 - i),
       now() - interval '1 minute' * (55000 - i) + interval '1 day',
       CASE WHEN i % 10 = 0 THEN E'Leave it\tat the door\nand ring \\ twice' END
FROM generate_series(1, 50000) AS i;

INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
SELECT o, line, p.id, 1 + (o + line) % 3, p.price
FROM generate_series(1, 50000) AS o, generate_series(1, 3) AS line, products AS p
WHERE line <= 1 + o % 3 AND p.id = 1 + (o::bigint * 16807 + line * 31) % 2000;

UPDATE orders AS o SET total = i.total
FROM (SELECT order_id, sum(quantity * unit_price) AS total FROM order_items GROUP BY order_id) AS i
WHERE i.order_id = o.id;

INSERT INTO events (at, kind, customer_id, payload)
SELECT now() - interval '1 second' * (43000 - i), (ARRAY['visit', 'search', 'basket'])[1 + i % 3],
       1 + (i::bigint * 69621) % 20000, jsonb_build_object('page', i % 100, 'ms', i % 997)
FROM generate_series(1, 43000) AS i;

RESET search_path;
ANALYZE sales.customers, sales.products, sales.orders, sales.order_items, sales.events;
