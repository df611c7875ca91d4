-- 2016年3月31日时所知的1-2月数据，与现在所知对照 / what the desk knew on 2016-03-31 about January to February, beside what is known now
SELECT then.indicator_code, then.unit_name, then.cumulative_value AS known_then, then.cumulative_growth_pct AS growth_known_then,
       now.cumulative_value AS known_now, now.cumulative_growth_pct AS growth_known_now
FROM macro_economy.indicator_asof then
JOIN macro_economy.indicator_asof now USING (indicator_code, region_code, stat_month)
WHERE region_code = '210100' AND stat_month = DATE'2016-02-01' AND now.known_to IS NULL
  AND then.known_from <= TIMESTAMP'2016-03-31 23:59:59 Asia/Shanghai'
  AND (then.known_to IS NULL OR then.known_to > TIMESTAMP'2016-03-31 23:59:59 Asia/Shanghai')
ORDER BY indicator_code
