-- 由累计推算的月度投资与零售额，1-2月合并 / monthly investment and retail sales from cumulative values, with February as January to February
SELECT indicator_code, stat_month,
       cumulative_value - CASE WHEN month(stat_month) = 2 THEN 0 ELSE lag(cumulative_value) OVER months END AS from_cumulative,
       month_value, month_basis
FROM macro_economy.indicator_month
WHERE region_code = '210100' AND indicator_code IN ('固定资产投资', '社会消费品零售总额')
WINDOW months AS (PARTITION BY indicator_code, year(stat_month) ORDER BY stat_month)
ORDER BY indicator_code, stat_month
