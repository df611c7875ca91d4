-- 各台站各月各降水等级的气象日数。 How many meteorological days of each rain class did each station have, by month?
SELECT station_code, date_format(day, 'yyyy-MM') AS month, rain_class, count(*) AS days, count_if(NOT complete) AS days_with_gaps
FROM weather.station_day
WHERE day_kind = 'met_day' AND rain_class IS NOT NULL
GROUP BY station_code, date_format(day, 'yyyy-MM'), rain_class
ORDER BY station_code, month, rain_class
