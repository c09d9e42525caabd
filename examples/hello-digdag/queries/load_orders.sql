INSERT INTO reporting.orders
SELECT order_id, customer_id, amount, ordered_at
FROM staging.orders
ON CONFLICT (order_id) DO NOTHING;
