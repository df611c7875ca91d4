-- 期内各区户籍人口增减多少?
-- By how much did the registered residents of each district change over the period?
SELECT area_code, min_by(register_stock, stat_month) AS first_stock, max_by(register_stock, stat_month) AS last_stock,
  max_by(register_stock, stat_month) - min_by(register_stock, stat_month) AS change
FROM population.movement_balance
WHERE area_level = 'district' AND NOT stock_withheld
GROUP BY area_code
ORDER BY area_code;
