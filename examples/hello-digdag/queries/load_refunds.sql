INSERT INTO reporting.refunds
SELECT order_id, amount, refunded_at
FROM staging.refunds
ON CONFLICT (order_id) DO NOTHING;
