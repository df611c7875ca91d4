-- 各指标的季节分布(各月占全年比重)与偏离3倍MAD的月份 / seasonal profile (month share of the year) and months outside 3 MAD
SELECT indicator_code, month(stat_month) AS month, max(season_share_pct) AS season_share_pct,
       concat_ws(', ', sort_array(collect_list(CASE WHEN out_of_season THEN date_format(stat_month, 'yyyy-MM') END))) AS out_of_season
FROM macro_economy.indicator_month
WHERE region_code = '210100' AND share_of_year_pct IS NOT NULL
GROUP BY indicator_code, month(stat_month)
ORDER BY indicator_code, month
