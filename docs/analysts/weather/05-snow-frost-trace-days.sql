-- 日值资料中纯雪、雨雪、雾露霜、微量的日数与降水量。 How many days of snow, mixed precipitation, frost and trace does the daily set have, and how much fell?
SELECT station_code, precipitation_kind, count(*) AS days, sum(daily_value) AS amount_mm
FROM weather.daily_check
WHERE element = 'rain_20_20'
GROUP BY station_code, precipitation_kind
ORDER BY station_code, precipitation_kind
