-- 2016年3月各区县投资累计增速排名，并列与缺报均列出 / districts by growth of investment since January, ties and missing ones shown
SELECT region_code, cumulative_growth_published_pct,
       CASE WHEN cumulative_growth_published_pct IS NOT NULL THEN rank() OVER (ORDER BY cumulative_growth_published_pct DESC NULLS LAST) END AS place,
       cumulative_growth_published_pct IS NOT NULL AND count(*) OVER (PARTITION BY cumulative_growth_published_pct) > 1 AS tied
FROM macro_economy.indicator_month
WHERE indicator_code = '固定资产投资' AND region_code <> '210100' AND stat_month = DATE'2016-03-01'
ORDER BY place NULLS LAST, region_code
