-- 采暖期各月空气质量与严寒日数。 How do the city's air and the cold go together, by month in and out of the heating season?
SELECT date_format(day, 'yyyy-MM') AS month, heating, count(aqi) AS days, max(aqi) AS worst_aqi, count_if(aqi > 100) AS polluted_days,
       count_if(temperature_mean < 0) AS days_below_zero
FROM cross_theme.heating_day
GROUP BY date_format(day, 'yyyy-MM'), heating
ORDER BY month, heating
