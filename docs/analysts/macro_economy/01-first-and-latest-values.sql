-- 2016年各指标的初值、最新值与修订幅度 / first and latest value of each indicator for 2016, and the size of the revision
SELECT indicator_code, stat_month, unit_name, first_value, latest_value, revision, vintages
FROM macro_economy.revision
WHERE region_code = '210100' AND measure = 'cumulative_value' AND year(stat_month) = 2016
ORDER BY indicator_code, stat_month
