SELECT o.ordered_at::date AS day, count(*) AS orders, sum(o.amount) - coalesce(sum(r.amount), 0) AS net_amount
FROM reporting.orders o
LEFT JOIN reporting.refunds r USING (order_id)
GROUP BY 1
ORDER BY 1 DESC
LIMIT 30;
