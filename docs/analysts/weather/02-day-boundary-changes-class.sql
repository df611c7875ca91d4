-- 哪些日期按气象日与按日历日的降水等级不同？ On which days does the rain class by meteorological day differ from that by calendar day?
SELECT m.station_code, m.day, m.rain_mm AS met_day_mm, m.rain_class AS met_day_class, c.rain_mm AS calendar_day_mm, c.rain_class AS calendar_day_class
FROM weather.station_day m
JOIN weather.station_day c ON c.station_code = m.station_code AND c.day = m.day AND c.day_kind = 'calendar_day'
WHERE m.day_kind = 'met_day' AND m.rain_class <> c.rain_class
ORDER BY m.day, m.station_code
