-- 各月首要污染物的天数及占比？ On how many days of a month was an item primary pollutant of the city, in per cent of the days that had one?
WITH primary AS (
  SELECT date_format(day, 'yyyy-MM') AS month, day, explode(split(primary_items, ',')) AS item_code
  FROM environment.city_day
  WHERE primary_items IS NOT NULL
)
SELECT p.month, p.item_code, count(*) AS days, round(100 * count(*) / first(m.days), 1) AS share_pct
FROM primary p
JOIN (SELECT month, count(DISTINCT day) AS days FROM primary GROUP BY month) m ON m.month = p.month
GROUP BY p.month, p.item_code
ORDER BY p.month, p.item_code
