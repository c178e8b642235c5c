-- What the shop does all day. Each CALL is one transaction.
CREATE PROCEDURE sales.place_order() LANGUAGE plpgsql SET search_path = pg_catalog, sales AS $$
DECLARE
    buyer   bigint := 1 + floor(random() * 20000);
    ordered bigint;
BEGIN
    -- a customer may have left
    INSERT INTO orders (customer_id) SELECT id FROM customers WHERE id >= buyer ORDER BY id LIMIT 1
    RETURNING id, customer_id INTO ordered, buyer;
    INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
    SELECT ordered, row_number() OVER (), p.id, 1 + floor(random() * 3), p.price
    FROM (SELECT DISTINCT 1 + floor(random() * 2000)::bigint AS id FROM generate_series(1, 3)) AS pick
    JOIN products AS p USING (id);
    UPDATE products AS p SET stock = stock - i.quantity
    FROM order_items AS i WHERE i.order_id = ordered AND i.product_id = p.id;
    UPDATE orders SET total = (SELECT sum(quantity * unit_price) FROM order_items WHERE order_id = ordered)
    WHERE id = ordered;
    INSERT INTO events (kind, customer_id, payload)
    VALUES ('order', buyer, jsonb_build_object('order', ordered));
END $$;

CREATE PROCEDURE sales.ship_orders() LANGUAGE sql SET search_path = pg_catalog, sales AS $$
    UPDATE orders SET status = 'shipped', shipped_at = now()
    WHERE id IN (SELECT id FROM orders WHERE status = 'placed' AND id > 50000 ORDER BY id LIMIT 5)
$$;

CREATE PROCEDURE sales.return_order() LANGUAGE plpgsql SET search_path = pg_catalog, sales AS $$
DECLARE
    returned bigint := 1 + floor(random() * 50000);
BEGIN
    UPDATE products AS p SET stock = stock + i.quantity
    FROM order_items AS i WHERE i.order_id = returned AND i.product_id = p.id;
    DELETE FROM orders WHERE id = returned;
END $$;

CREATE PROCEDURE sales.sign_up() LANGUAGE sql SET search_path = pg_catalog, sales AS $$
    INSERT INTO customers (email, name, country)
    SELECT md5(random()::text || clock_timestamp()) || '@example.com', 'New customer', 'NL';
    INSERT INTO events (kind) VALUES ('sign-up')
$$;

CREATE PROCEDURE sales.change_prices() LANGUAGE sql SET search_path = pg_catalog, sales AS $$
    UPDATE products SET price = round(price * 1.01 + 0.01, 2)
    WHERE id IN (SELECT 1 + floor(random() * 2000)::bigint FROM generate_series(1, 10))
$$;

CREATE PROCEDURE sales.change_preferences() LANGUAGE sql SET search_path = pg_catalog, sales AS $$
    UPDATE customers SET preferences = preferences || jsonb_build_object('seen', now())
    WHERE id IN (SELECT 1 + floor(random() * 20000)::bigint FROM generate_series(1, 3))
$$;
