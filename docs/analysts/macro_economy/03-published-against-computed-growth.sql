-- 公布增速与推算增速相差1个百分点以上的月份(不含水平断裂) / months where published and computed growth differ by over 1 point, level breaks apart
SELECT indicator_code, region_code, stat_month, cumulative_growth_published_pct, cumulative_growth_computed_pct, growth_gap_points, growth_basis
FROM macro_economy.indicator_month
WHERE abs(growth_gap_points) > 1 AND NOT level_break
ORDER BY indicator_code, region_code, stat_month
