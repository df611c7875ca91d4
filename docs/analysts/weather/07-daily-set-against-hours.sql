-- 日值与小时统计值是否一致，为何不一致？ Does the daily set agree with the hours of the same meteorological day, and if not, why?
SELECT station_code, date_format(day, 'yyyy-MM') AS month, element, finding, count(*) AS days, max(abs(difference)) AS largest_difference
FROM weather.daily_check
GROUP BY station_code, date_format(day, 'yyyy-MM'), element, finding
ORDER BY station_code, month, element, finding
