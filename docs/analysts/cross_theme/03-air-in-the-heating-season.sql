-- 采暖期各月空气质量与气温。 How do the city's air and temperature go together, by month of the heating season?
SELECT date_format(day, 'yyyy-MM') AS month, heating, count(aqi) AS days, max(aqi) AS worst_aqi, count_if(aqi > 100) AS polluted_days, min(temperature_mean) AS coldest_day
FROM cross_theme.heating_day
GROUP BY date_format(day, 'yyyy-MM'), heating
ORDER BY month, heating
