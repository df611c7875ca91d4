-- 2015-2016年水平断裂的指标 / indicators of the city with a level break at 2015-2016: every month of 2016 moved as published growth does not tell
SELECT indicator_code, min(stat_month) AS first_month, count(*) AS months,
       min(cumulative_growth_computed_pct) AS lowest_computed_pct, min(cumulative_growth_published_pct) AS lowest_published_pct
FROM macro_economy.indicator_month
WHERE region_code = '210100' AND year(stat_month) = 2016
GROUP BY indicator_code
HAVING bool_and(level_break)
ORDER BY indicator_code
