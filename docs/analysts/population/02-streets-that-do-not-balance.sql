-- 哪些街道的登记人口与变动登记推算不符?(人数过少而隐去的只列是否平衡)
-- Which streets' registers do not follow from their movements? (withheld figures stay empty)
SELECT area_code, stat_month, register_stock, gap
FROM population.movement_balance
WHERE area_level = 'street' AND NOT balanced
ORDER BY area_code, stat_month;
