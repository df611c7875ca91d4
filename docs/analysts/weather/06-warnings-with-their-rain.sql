-- 暴雨、暴雪预警期间降水最多的台站及降水量。 How much fell, and where, while warnings of rainstorm or snowstorm were in force?
SELECT warning_no, warning_kind, warning_level, minutes_in_force, wettest_station, rain_hours, rain_mm, rain_max_1h_mm
FROM weather.warning_rain
WHERE warning_kind IN ('暴雨', '暴雪')
ORDER BY warning_no
