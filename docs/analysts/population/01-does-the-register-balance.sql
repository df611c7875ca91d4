-- 全市户籍人口各月是否平衡:期初+出生+迁入-死亡-迁出与期末登记数相差多少?
-- Does the city's register balance month by month: stock before + births + moved in - deaths - moved out, and the gap to the register?
SELECT stat_month, stock_before, births, moved_in, deaths, moved_out, expected_stock, register_stock, gap
FROM population.movement_balance
WHERE area_level = 'city' AND stock_before IS NOT NULL
ORDER BY stat_month;
