-- 各台站各月冻融日数(最低气温低于0℃且最高气温高于0℃)。 How many freeze-thaw days did each station have, by month (calendar days)?
SELECT station_code, date_format(day, 'yyyy-MM') AS month, count_if(freeze_thaw) AS freeze_thaw_days, count(*) AS days, min(temperature_min) AS lowest
FROM weather.station_day
WHERE day_kind = 'calendar_day' AND temperature_hours > 0
GROUP BY station_code, date_format(day, 'yyyy-MM')
ORDER BY station_code, month
